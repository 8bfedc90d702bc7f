import { BufferType, Data, DataType as Arrow, type DataType as ArrowType, Uint8 } from "apache-arrow";

/** `length` nulls of a type, in its layout. */
export function nullData(type: ArrowType, length: number): Data {
  const validity = { [BufferType.VALIDITY]: new Uint8Array((length + 7) >> 3) };
  const make = (buffers: object, children: Data[] = []): Data =>
    new Data(type, 0, length, length, { ...validity, ...buffers }, children);
  if (Arrow.isNull(type)) return new Data(type, 0, length, length);
  if (Arrow.isBool(type)) return nullBooleans(length);
  if (Arrow.isUtf8(type) || Arrow.isBinary(type)) {
    return make({ [BufferType.OFFSET]: new Int32Array(length + 1), [BufferType.DATA]: new Uint8Array(0) });
  }
  if (hasLongOffsets(type)) {
    return make({ [BufferType.OFFSET]: new BigInt64Array(length + 1), [BufferType.DATA]: new Uint8Array(0) });
  }
  if (Arrow.isList(type)) {
    const item = nullData(type.valueField.type as ArrowType, 0);
    return make({ [BufferType.OFFSET]: new Int32Array(length + 1) }, [item]);
  }
  if (Arrow.isFixedSizeList(type)) {
    return make({}, [nullData(type.valueField.type as ArrowType, length * type.listSize)]);
  }
  if (Arrow.isStruct(type)) {
    return make(
      {},
      type.children.map((child) => nullData(child.type as ArrowType, length)),
    );
  }
  return make({ [BufferType.DATA]: emptyValues(type, length) });
}

/** Texts and bytes of other libraries: offsets of 64 bits, where ours have 32. */
export function hasLongOffsets(type: ArrowType): boolean {
  return Arrow.isLargeUtf8(type) || Arrow.isLargeBinary(type);
}

/** So many zeros of a type of fixed width. */
export function emptyValues(type: ArrowType, length: number): ArrayBufferView & ArrayLike<number> {
  const { stride } = new Data(type, 0, 0, 0);
  // Arrow types the class of a type's values as `any`.
  const Values = type.ArrayType as new (length: number) => ArrayBufferView & ArrayLike<number>;
  return new Values(length * stride);
}

/**
 * Arrow's writer leaves out the bits of a boolean column of nothing but nulls, and Lance cannot read such a column. A
 * message holds buffers and no types, so the nulls go in as bytes, which are more than the bits would need.
 */
export function nullBooleans(length: number): Data {
  return new Data(new Uint8(), 0, length, length, {
    [BufferType.VALIDITY]: new Uint8Array((length + 7) >> 3),
    [BufferType.DATA]: new Uint8Array(length),
  });
}
