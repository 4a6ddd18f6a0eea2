package plugin

// Bitmaps are packed, least significant bit first.

// bitmapBytes is how many bytes so many bits take.
func bitmapBytes(bits int) int { return (bits + 7) >> 3 }

// filledBitmap is a bitmap of ones.
func filledBitmap(bits, capacity int) []byte {
	bitmap := make([]byte, bitmapBytes(bits), bitmapBytes(max(bits, capacity)))
	for i := range bitmap {
		bitmap[i] = 0xff
	}
	return bitmap
}

func getBit(bitmap []byte, index int) bool { return bitmap[index>>3]>>(index&7)&1 == 1 }

func clearBit(bitmap []byte, index int) { bitmap[index>>3] &^= 1 << (index & 7) }

// appendBit adds the bit at position index, which is the number of those before it.
func appendBit(bitmap []byte, index int, bit bool) []byte {
	if index&7 == 0 {
		bitmap = append(bitmap, 0)
	}
	if bit {
		bitmap[index>>3] |= 1 << (index & 7)
	}
	return bitmap
}

// allSet says whether the first bits are all ones.
func allSet(bitmap []byte, bits int) bool {
	for _, b := range bitmap[:bits>>3] {
		if b != 0xff {
			return false
		}
	}
	rest := byte(1)<<(bits&7) - 1
	return rest == 0 || bitmap[bits>>3]&rest == rest
}
