const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const ZERO = 0x30;
const NINE = 0x39;

/** Bytes that arrived together, and access to the JSON values in them. */
export class Packet {
  readonly view: DataView;
  readonly length: number;

  constructor(readonly bytes: Buffer) {
    this.length = bytes.length;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** One character per byte. */
  toLatin1(): string {
    return this.bytes.toString('latin1');
  }

  /** The end of the JSON string whose first character is at `start`; -1 if it does not end, or is no string. */
  endOfString(start: number): number {
    const { bytes } = this;
    for (let at = start; at < this.length; at++) {
      const byte = bytes[at]!;
      if (byte === QUOTE) return at;
      if (byte === BACKSLASH) at++;
      else if (byte < SPACE) return -1;
    }
    return -1;
  }

  /** The end of an integer; -1 if there is none. */
  endOfInteger(start: number): number {
    const { bytes } = this;
    let at = start;
    while (bytes[at]! >= ZERO && bytes[at]! <= NINE) at++;
    const isInteger = at === start + 1 || (at > start && bytes[start] !== ZERO);
    return isInteger ? at : -1;
  }

  /** The JSON string between two offsets. */
  jsonString(start: number, end: number): string {
    const raw = this.bytes.toString('utf8', start, end);
    return raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw;
  }
}
