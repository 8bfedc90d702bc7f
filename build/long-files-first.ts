import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that wait for processes or servers for longest: begun last, one of them would run alone at the end. */
const LONGEST = /test\/(crash|chaos)\/|outages\.test\.ts$|-destination\.test\.ts$|-job-store\.test\.ts$/;

/** The order in which test files begin: the longest first, the others as vitest knows them. */
export class LongFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean => LONGEST.test(moduleId);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}
