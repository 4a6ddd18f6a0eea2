package plugin

import (
	"encoding/binary"
	"unicode"
	"unicode/utf8"
)

// Text of ASCII only goes the short way: eight letters at each turn. From the first other letter on it goes the long way.

const (
	everyByte = 0x0101010101010101
	highBits  = 0x80 * everyByte
)

func appendUpper(buffer []byte, text string) []byte {
	return appendCase(buffer, text, 'a', 'z', unicode.ToUpper)
}

func appendLower(buffer []byte, text string) []byte {
	return appendCase(buffer, text, 'A', 'Z', unicode.ToLower)
}

// appendCase changes the case of the letters from first to last, and of those beyond ASCII as the function says.
func appendCase(buffer []byte, text string, first, last byte, change func(rune) rune) []byte {
	start := len(buffer)
	buffer = append(buffer, text...)
	added := buffer[start:]
	done := 0
	for ; done+8 <= len(added); done += 8 {
		word := binary.LittleEndian.Uint64(added[done:])
		if word&highBits != 0 {
			break
		}
		// Of each byte, the high bit says whether it is at least first, and whether it is above last: none carries into the next.
		from := word + uint64(0x80-first)*everyByte
		beyond := word + uint64(0x7f-last)*everyByte
		binary.LittleEndian.PutUint64(added[done:], word^(from&^beyond&highBits)>>2)
	}
	for i, b := range added[done:] {
		if b >= utf8.RuneSelf {
			return appendRunes(buffer[:start+done+i], text[done+i:], change)
		}
		if b-first <= last-first {
			added[done+i] = b ^ 0x20
		}
	}
	return buffer
}

func appendRunes(buffer []byte, text string, change func(rune) rune) []byte {
	for _, r := range text {
		buffer = utf8.AppendRune(buffer, change(r))
	}
	return buffer
}
