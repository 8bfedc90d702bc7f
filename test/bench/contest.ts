import { atLeast, atMost, median, reported, type Figure } from "./figure.js";
import { watchHost, type HostHealth } from "./host-probe.js";

const ROUNDS = 5;

/** Wraps the part of a load that the host lives beside. */
export type Watch = (work: () => Promise<void>) => Promise<void>;

/** A run of ours and what others take for the same, timed in turns; each gives its seconds. */
export interface Contest {
  readonly name: string;
  readonly rows: number;
  readonly ours: (watch: Watch) => Promise<number>;
  readonly others: readonly Opponent[];
  readonly stallBoundMs: number;
  /** Absent: the memory that the process took is only reported. */
  readonly memoryBoundMb?: number;
}

export interface Opponent {
  readonly name: string;
  readonly load: () => Promise<number>;
  /** How many times as fast as this we must be. Absent: only reported. */
  readonly bound?: number;
  /** Default: as many as ours. Slow ones get fewer, and rates are compared. */
  readonly rows?: number;
  /** It works in this process, as we do, so that the processor's time can be compared. */
  readonly isHere?: boolean;
  /** More that was measured on the way. */
  readonly also?: () => readonly Figure[];
}

/** Pairs, of which the median counts; what the host felt meanwhile is held to law 8. */
export async function contest(between: Contest): Promise<readonly Figure[]> {
  const { name, rows, ours, others, stallBoundMs, memoryBoundMb } = between;
  const health: HostHealth[] = [];
  const watch: Watch = async (work) => void health.push(await watchHost(work));
  await ours(watch);
  // The first run warms up, and its times do not count; its memory does, since later runs use again what it took.
  const [first] = health.splice(0);
  const runs: Cost[] = [];
  const theirs = others.map((): Cost[] => []);
  for (let round = 0; round < ROUNDS; round += 1) {
    const contestants = [
      async () => void runs.push(perRow(await costOf(() => ours(watch)), rows)),
      ...others.map((other, index) => async () => {
        theirs[index]?.push(perRow(await costOf(other.load), other.rows ?? rows));
      }),
    ];
    // What one leaves for the system to write to the disk slows the next: each goes first in turns.
    if (round % 2 === 0) contestants.reverse();
    for (const contestant of contestants) await contestant();
  }
  const of = (key: keyof HostHealth): readonly number[] => health.map((felt) => felt[key]);
  return [
    ...others.flatMap((other, index) => figuresOf(name, other, runs, theirs[index] ?? [])),
    reported(`${name}: a run`, 1 / median(runs.map(({ seconds }) => seconds)) / 1e6, "M rows/s"),
    atMost(`${name}: event loop delay p99`, median(of("loopP99Ms")), 10, "ms"),
    atMost(`${name}: event loop delay max`, median(of("loopMaxMs")), stallBoundMs, "ms"),
    atMost(`${name}: fs.stat p99`, median(of("statP99Ms")), 50, "ms"),
    memoryFigure(
      `${name}: peak memory above the start`,
      Math.max(first?.addedMb ?? 0, ...of("addedMb")),
      memoryBoundMb,
    ),
  ];
}

function memoryFigure(name: string, peakMb: number, boundMb: number | undefined): Figure {
  return boundMb !== undefined ? atMost(name, peakMb, boundMb, "MB") : reported(name, peakMb, "MB");
}

function figuresOf(name: string, other: Opponent, ours: readonly Cost[], theirs: readonly Cost[]): readonly Figure[] {
  const ratio = (part: keyof Cost): number =>
    median(ours.map((run, round) => (theirs[round]?.[part] ?? Number.NaN) / run[part]));
  const beside = `${name}, beside ${other.name}`;
  const speed = ratio("seconds");
  return [
    other.bound === undefined
      ? reported(`${beside}: times as fast`, speed, "×")
      : atLeast(`${beside}: times as fast`, speed, other.bound, "×"),
    reported(`${beside}: its rate`, 1 / median(theirs.map(({ seconds }) => seconds)) / 1e6, "M rows/s"),
    ...(other.isHere === true
      ? [reported(`${beside}: processor time of its`, 1 / ratio("processorSeconds"), "×")]
      : []),
    ...(other.also?.() ?? []),
  ];
}

interface Cost {
  readonly seconds: number;
  /** Of all threads of this process, with what opening and closing the two takes. */
  readonly processorSeconds: number;
}

async function costOf(load: () => Promise<number>): Promise<Cost> {
  const before = process.cpuUsage();
  const seconds = await load();
  const { user, system } = process.cpuUsage(before);
  return { seconds, processorSeconds: (user + system) / 1e6 };
}

function perRow({ seconds, processorSeconds }: Cost, rows: number): Cost {
  return { seconds: seconds / rows, processorSeconds: processorSeconds / rows };
}
