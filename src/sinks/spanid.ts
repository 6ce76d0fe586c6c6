const IDS = 32;
const bits = new Uint32Array(2 * IDS);
let digits = '';
let next = 16 * IDS;

/** A new id for a span: 16 hexadecimal digits, not all zero, random as those of the SDK are. Made several at a time, which is much cheaper. */
export function randomSpanId(): string {
  if (next === 16 * IDS) {
    for (let i = 0; i < bits.length; i += 2) {
      const low = Math.random() * 0x1_0000_0000;
      bits[i] = low;
      bits[i + 1] = Math.random() * 0x1_0000_0000;
      // Looked at here: an id that is a slice of the digits is slow to be compared.
      if (low < 1 && bits[i + 1] === 0) bits[i] = 1;
    }
    digits = Buffer.from(bits.buffer).toString('hex');
    next = 0;
  }
  const id = digits.slice(next, next + 16);
  next += 16;
  return id;
}
