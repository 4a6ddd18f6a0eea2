// Bytes, bitmaps and texts.
//
// QuickJS has no TextDecoder. What it has in native code is base64 in both directions, which between `atob` and `btoa` makes a
// string of bytes and bytes of a string; and loops over 32-bit words are the cheapest way to see whether all of it is ASCII. Other
// engines, in which the tests run, have TextDecoder and TextEncoder.

const native = typeof Uint8Array.prototype.toBase64 === "function" && typeof TextDecoder === "undefined";
const HIGH_BITS = 0x80808080 | 0;

/** A typed array over a buffer of the contract, without a copy where it is aligned. */
export function view(Type, bytes, length) {
  const size = Type.BYTES_PER_ELEMENT;
  if (bytes.byteLength < length * size) throw new RangeError("a buffer is shorter than its column");
  if (bytes.byteOffset % size !== 0) bytes = bytes.slice();
  return new Type(bytes.buffer, bytes.byteOffset, length);
}

export const bytesOf = (array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

export const getBit = (bitmap, index) => ((bitmap[index >> 3] >> (index & 7)) & 1) === 1;

/** A bitmap in which all bits below `length` are 1. */
export function fullBitmap(length) {
  const bitmap = new Uint8Array((length + 7) >> 3).fill(0xff);
  if (length & 7) bitmap[bitmap.length - 1] = (1 << (length & 7)) - 1;
  return bitmap;
}

export const clearBit = (bitmap, index) => { bitmap[index >> 3] &= ~(1 << (index & 7)); };

export function countBits(bitmap, length) {
  let count = 0;
  for (let index = 0; index < length; index++) if (getBit(bitmap, index)) count++;
  return count;
}

/** A string with one character for each byte. */
export function binaryString(bytes) {
  if (native) return atob(bytes.toBase64());
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode.apply(null, bytes.subarray(at, at + 8192));
  return text;
}

/** The bytes of a string without characters above 255. */
function bytesOfBinary(text) {
  if (native) return Uint8Array.fromBase64(btoa(text));
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** Calls `found` with the position of each 4 bytes, relative to the start, of which one is no ASCII. */
export function eachForeign(bytes, found) {
  let at = 0;
  if (bytes.byteOffset % 4 === 0) {
    const count = bytes.length >> 2;
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, count);
    let word = 0;
    for (; word + 8 <= count; word += 8) {
      const all = words[word] | words[word + 1] | words[word + 2] | words[word + 3]
        | words[word + 4] | words[word + 5] | words[word + 6] | words[word + 7];
      if ((all & HIGH_BITS) === 0) continue;
      for (let one = word; one < word + 8; one++) if (words[one] & HIGH_BITS) found(one * 4);
    }
    for (; word < count; word++) if (words[word] & HIGH_BITS) found(word * 4);
    at = count * 4;
  }
  for (; at < bytes.length; at++) if (bytes[at] > 127) found(at);
}

export function isAscii(bytes) {
  let ascii = true;
  eachForeign(bytes, () => { ascii = false; });
  return ascii;
}

/** The text of a string of UTF-8 bytes. */
export const decodeBinary = (binary) => decodeURIComponent(escape(binary));

/** UTF-8 bytes as a string. */
export function decode(bytes) {
  if (!native) return new TextDecoder().decode(bytes);
  const binary = binaryString(bytes);
  return isAscii(bytes) ? binary : decodeBinary(binary);
}

/** A string as UTF-8 bytes. Halves of surrogate pairs become U+FFFD. `isAscii`: it is known to be nothing else. */
export function encode(text, isAscii = false) {
  if (isAscii) return bytesOfBinary(text);
  if (!native) return new TextEncoder().encode(text);
  return bytesOfBinary(unescape(encodeURIComponent(text.isWellFormed() ? text : text.toWellFormed())));
}

/** How many bytes a string has in UTF-8. */
function utf8Length(text) {
  let length = text.length;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    // Each half of a pair counts 2, so that both together count 4.
    if (code > 0x7f) length += code > 0x7ff && (code < 0xd800 || code > 0xdfff) ? 2 : 1;
  }
  return length;
}

/** Anchored and sticky: QuickJS searches for a class much more slowly than it runs through one, and tries `^` at each place otherwise. */
const ASCII = /^[\0-\x7f]*$/y;

function isAsciiText(text) {
  ASCII.lastIndex = 0;
  return ASCII.test(text);
}

/** Strings as the offsets and bytes of a column. */
export function encodeAll(texts) {
  const count = texts.length;
  const offsets = new Int32Array(count + 1);
  let joined = texts.join("");
  let end = 0;
  if (isAsciiText(joined)) {
    for (let index = 0; index < count; index++) offsets[index + 1] = end += texts[index].length;
    return { offsets, bytes: bytesOfBinary(joined) };
  }
  if (!joined.isWellFormed()) {
    texts = texts.map((text) => text.toWellFormed());
    joined = texts.join("");
  }
  const bytes = encode(joined);
  // Texts are measured only where the bytes say that they are not ASCII: the first byte that is none is where it would be if they were.
  const foreign = [];
  eachForeign(bytes, (position) => { foreign.push(position); });
  foreign.push(Infinity);
  let at = 0;
  let next = foreign[0];
  for (let index = 0; index < count; index++) {
    const text = texts[index];
    const { length } = text;
    if (next < end + length) {
      end += utf8Length(text);
      while (next + 4 <= end) next = foreign[++at];
    } else {
      end += length;
    }
    offsets[index + 1] = end;
  }
  return { offsets, bytes };
}
