/** A value that its column cannot keep; the message is a clause about the column. */
export class UnfitValue extends Error {
  constructor(
    readonly column: string,
    { message }: RangeError,
  ) {
    super(message);
  }
}
