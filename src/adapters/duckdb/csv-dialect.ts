import { JobError } from "../../model/job-error.js";
import { quoteText } from "./quote.js";

/** How CSV files are written. */
export interface DialectOptions {
  /** Between two values. Default `,`. */
  readonly delimiter?: string;
  /** Around values; doubled inside. Default `"`. */
  readonly quote?: string;
  /** Whether the first line holds the columns' names. Otherwise they are `column0`, `column1`, … Default true. */
  readonly header?: boolean;
  /** What stands for null where it is not quoted. Default: nothing at all. A quoted empty text is an empty text. */
  readonly nullText?: string;
  /** How dates are written, as in `strptime`: `"%d/%m/%Y"`. Default `YYYY-MM-DD`; others are text. */
  readonly dateFormat?: string;
  /** How timestamps are written. Default: as in ISO 8601; others are text. */
  readonly timestampFormat?: string;
}

/**
 * The arguments of `read_csv` that say it all. Whatever is not said DuckDB finds out from a sample, and then skips lines
 * that it takes for a preamble or a comment.
 *
 * @throws JobError `invalid_definition`, with `field`.
 */
export function csvDialect(options: DialectOptions): string {
  const { delimiter = ",", quote = '"', header = true, nullText = "", dateFormat, timestampFormat } = options;
  if (delimiter === "" || [...delimiter].length > 4) throw invalidOption("delimiter", "one to four characters");
  if ([...quote].length !== 1) throw invalidOption("quote", "one character");
  if (typeof header !== "boolean") throw invalidOption("header", "true or false");
  return [
    `delim = ${quoteText(delimiter)}`,
    `quote = ${quoteText(quote)}`,
    `escape = ${quoteText(quote)}`,
    `header = ${header}`,
    `nullstr = ${quoteText(nullText)}`,
    ...(dateFormat === undefined ? [] : [`dateformat = ${quoteText(dateFormat)}`]),
    ...(timestampFormat === undefined ? [] : [`timestampformat = ${quoteText(timestampFormat)}`]),
    "skip = 0",
    "comment = ''",
    "allow_quoted_nulls = false",
    "strict_mode = true",
    "null_padding = false",
    "ignore_errors = false",
  ].join(", ");
}

function invalidOption(field: string, what: string): JobError<"invalid_definition"> {
  return new JobError("invalid_definition", {
    message: `csv() cannot be made: ${field} must be ${what}.`,
    hint: "See the docstrings of CsvOptions.",
    field,
  });
}
