package plugin

import (
	"unicode"
	"unicode/utf8"
)

// Letters of other alphabets than ASCII's take the long way, so that the short one is a loop over bytes.

func appendUpper(buffer []byte, text string) []byte {
	start := len(buffer)
	buffer = append(buffer, text...)
	added := buffer[start:]
	for i, b := range added {
		if b-'a' < 26 {
			added[i] = b - 32
		} else if b >= utf8.RuneSelf {
			return appendRunes(buffer[:start+i], text[i:], unicode.ToUpper)
		}
	}
	return buffer
}

func appendLower(buffer []byte, text string) []byte {
	start := len(buffer)
	buffer = append(buffer, text...)
	added := buffer[start:]
	for i, b := range added {
		if b-'A' < 26 {
			added[i] = b + 32
		} else if b >= utf8.RuneSelf {
			return appendRunes(buffer[:start+i], text[i:], unicode.ToLower)
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
