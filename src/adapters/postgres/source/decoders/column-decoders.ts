import { type BatchWriter, ofClass } from "../../../arrow/batch-writer.js";
import { BooleanWriter } from "../../../arrow/columns/bit-writers.js";
import { BytesWriter } from "../../../arrow/columns/bytes-writer.js";
import type { ColumnWriter } from "../../../arrow/columns/column-writer.js";
import { DecimalWriter } from "../../../arrow/columns/decimal-writer.js";
import { EnumWriter } from "../../../arrow/columns/enum-writer.js";
import { ListWriter } from "../../../arrow/columns/list-writer.js";
import {
  Bytes16Writer,
  Float32Writer,
  Float64Writer,
  Int16Writer,
  Int32Writer,
  Int64Writer,
} from "../../../arrow/columns/number-writers.js";
import type { DataType } from "../../../../model/data-type.js";
import type { WireColumn } from "../wire-column.js";
import type { ColumnDecoder } from "./column-decoder.js";
import { ListDecoder } from "./list-decoder.js";
import {
  BooleanDecoder,
  Float32Decoder,
  Float64Decoder,
  Int16Decoder,
  Int32Decoder,
  Int64Decoder,
  UuidDecoder,
} from "./number-decoders.js";
import { NumericDecoder } from "./numeric-decoder.js";
import { BitDecoder, BytesDecoder, EnumDecoder } from "./text-decoders.js";
import { DateDecoder, IntervalDecoder, TimestampDecoder, ZonedTimeDecoder } from "./time-decoders.js";

/** What turns values of these columns into those of a batch. */
export function columnDecoders(columns: readonly WireColumn[], batch: BatchWriter): readonly ColumnDecoder[] {
  return columns.map((column, index) => {
    if (column.type.kind !== "list") return itemDecoder(column, column.type, batch.columns[index]);
    const writer = batch.column(index, ListWriter);
    return new ListDecoder(writer, itemDecoder(column, column.type.item, writer.item), column.name);
  });
}

function itemDecoder({ form, name }: WireColumn, type: DataType, writer: ColumnWriter | undefined): ColumnDecoder {
  switch (form) {
    case "bool":
      return new BooleanDecoder(ofClass(writer, BooleanWriter));
    case "int2":
      return new Int16Decoder(ofClass(writer, Int16Writer));
    case "int4":
      return new Int32Decoder(ofClass(writer, Int32Writer));
    case "int8":
    case "time":
      return new Int64Decoder(ofClass(writer, Int64Writer));
    case "float4":
      return new Float32Decoder(ofClass(writer, Float32Writer));
    case "float8":
      return new Float64Decoder(ofClass(writer, Float64Writer));
    case "numeric":
      return new NumericDecoder(ofClass(writer, DecimalWriter), name);
    case "text":
    case "bytea":
      return new BytesDecoder(ofClass(writer, BytesWriter));
    case "jsonb":
      return new BytesDecoder(ofClass(writer, BytesWriter), JSONB_VERSION_BYTES);
    case "enum":
      return new EnumDecoder(ofClass(writer, EnumWriter), type.kind === "enum" ? type.values : [], name);
    case "bit":
      return new BitDecoder(ofClass(writer, BytesWriter));
    case "uuid":
      return new UuidDecoder(ofClass(writer, Bytes16Writer));
    case "date":
      return new DateDecoder(ofClass(writer, Int32Writer));
    case "timetz":
      return new ZonedTimeDecoder(ofClass(writer, Int64Writer));
    case "timestamp":
      return new TimestampDecoder(ofClass(writer, Int64Writer), name);
    case "interval":
      return new IntervalDecoder(ofClass(writer, Bytes16Writer), name);
  }
}

const JSONB_VERSION_BYTES = 1;
