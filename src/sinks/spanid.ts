const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** A new id for a span: 16 hexadecimal digits, not all zero, random as those of the SDK are. */
export function randomSpanId(): string {
  const id = eightDigits() + eightDigits();
  return id === '0000000000000000' ? randomSpanId() : id;
}

function eightDigits(): string {
  const bits = Math.random() * 0x1_0000_0000;
  return `${HEX[(bits >>> 24) & 255]}${HEX[(bits >>> 16) & 255]}${HEX[(bits >>> 8) & 255]}${HEX[bits & 255]}`;
}
