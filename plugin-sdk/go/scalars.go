package plugin

import (
	"errors"
	"math"
	"math/bits"
	"strings"
	"time"
)

// Date is the days since 1970-01-01.
type Date int32

// DateOf returns the date of an instant, in the zone that it has.
func DateOf(instant time.Time) Date {
	year, month, day := instant.Date()
	return Date(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / 86_400)
}

// Time returns the midnight at which the day begins, in UTC.
func (d Date) Time() time.Time { return time.Unix(int64(d)*86_400, 0).UTC() }

// String returns the date as "2006-01-02".
func (d Date) String() string { return d.Time().Format(time.DateOnly) }

// TimeOfDay is a time since midnight, in the unit of its column.
type TimeOfDay struct {
	Value int64
	Unit  TimeUnit
}

// Duration returns the time since midnight.
func (t TimeOfDay) Duration() time.Duration {
	return time.Duration(t.Value * (1e9 / t.Unit.perSecond()))
}

// Span is a length of time in the unit of its column, which reaches farther than time.Duration.
type Span struct {
	Value int64
	Unit  TimeUnit
}

// Duration returns the length; what is beyond 292 years wraps around.
func (s Span) Duration() time.Duration {
	return time.Duration(s.Value * (1e9 / s.Unit.perSecond()))
}

// MonthInterval is a number of months.
type MonthInterval int32

// DayTimeInterval is days and milliseconds.
type DayTimeInterval struct{ Days, Milliseconds int32 }

// MonthDayNanoInterval is months, days and nanoseconds.
type MonthDayNanoInterval struct {
	Months, Days int32
	Nanoseconds  int64
}

// Float16 is the bits of an IEEE 754 number of half precision.
type Float16 uint16

// Float64 returns the number.
func (f Float16) Float64() float64 {
	sign := 1.0
	if f&0x8000 != 0 {
		sign = -1
	}
	exponent, fraction := int(f>>10&0x1f), float64(f&0x3ff)
	switch exponent {
	case 0:
		return sign * math.Ldexp(fraction, -24)
	case 31:
		if fraction == 0 {
			return math.Inf(int(sign))
		}
		return math.NaN()
	}
	return sign * math.Ldexp(1+fraction/1024, exponent-15)
}

// timestampOf is the instant of a timestamp's integer, in UTC.
func timestampOf(value int64, unit TimeUnit) time.Time {
	per := unit.perSecond()
	seconds, rest := value/per, value%per
	return time.Unix(seconds, rest*(1e9/per)).UTC()
}

// timestampIn is a timestamp's integer; what is finer than the unit is cut off.
func timestampIn(instant time.Time, unit TimeUnit) int64 {
	per := unit.perSecond()
	return instant.Unix()*per + int64(instant.Nanosecond())/(1e9/per)
}

// Decimal is an integer of up to 256 bits, divided by 10 to the power of Scale.
type Decimal struct {
	// words are the integer in two's complement, the least significant first.
	words [4]uint64
	Scale int8
}

// NewDecimal returns unscaled / 10^scale.
func NewDecimal(unscaled int64, scale int8) Decimal {
	sign := uint64(unscaled >> 63)
	return Decimal{words: [4]uint64{uint64(unscaled), sign, sign, sign}, Scale: scale}
}

// ParseDecimal reads a number such as "-12.50", which has the scale 2.
func ParseDecimal(text string) (Decimal, error) {
	digits, negative := strings.CutPrefix(text, "-")
	if !negative {
		digits = strings.TrimPrefix(digits, "+")
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	if whole+fraction == "" || len(whole)+len(fraction) > 76 {
		return Decimal{}, errors.New("`" + text + "` is no decimal number of at most 76 digits")
	}
	var d Decimal
	for _, digit := range []byte(whole + fraction) {
		if digit < '0' || digit > '9' {
			return Decimal{}, errors.New("`" + text + "` is no decimal number")
		}
		d.multiplyAdd(10, uint64(digit-'0'))
	}
	if negative {
		d.negate()
	}
	d.Scale = int8(len(fraction))
	return d, nil
}

// IsNegative says whether the decimal is below zero.
func (d Decimal) IsNegative() bool { return d.words[3]>>63 == 1 }

// Int64 returns the integer before it is divided, and whether it has at most 64 bits.
func (d Decimal) Int64() (unscaled int64, fits bool) {
	unscaled = int64(d.words[0])
	sign := uint64(unscaled >> 63)
	return unscaled, d.words[1] == sign && d.words[2] == sign && d.words[3] == sign
}

// Words returns the integer before it is divided: two's complement, the least significant word first.
func (d Decimal) Words() [4]uint64 { return d.words }

// DecimalOfWords is the inverse of Words.
func DecimalOfWords(words [4]uint64, scale int8) Decimal { return Decimal{words: words, Scale: scale} }

// Float64 returns the nearest float64, or one beside it.
func (d Decimal) Float64() float64 {
	magnitude := d
	if d.IsNegative() {
		magnitude.negate()
	}
	value := 0.0
	for i := 3; i >= 0; i-- {
		value = value*0x1p64 + float64(magnitude.words[i])
	}
	if d.Scale >= 0 {
		value /= math.Pow(10, float64(d.Scale))
	} else {
		value *= math.Pow(10, -float64(d.Scale))
	}
	if d.IsNegative() {
		return -value
	}
	return value
}

// Rescale returns the same number with another scale; digits that it has no place for are cut off, and what needs more than
// 256 bits is false.
func (d Decimal) Rescale(scale int8) (Decimal, bool) {
	negative := d.IsNegative()
	if negative {
		d.negate()
	}
	fits := true
	for ; d.Scale < scale && fits; d.Scale++ {
		fits = d.multiplyAdd(10, 0) && !d.IsNegative()
	}
	for ; d.Scale > scale; d.Scale-- {
		d.divide(10)
	}
	if negative {
		d.negate()
	}
	return d, fits
}

// String returns the number in digits, such as "-12.50".
func (d Decimal) String() string {
	negative := d.IsNegative()
	if negative {
		d.negate()
	}
	var digits []byte
	for d.words != [4]uint64{} {
		digits = append(digits, '0'+byte(d.divide(10)))
	}
	for scale := int(d.Scale); scale < 0 && len(digits) > 0; scale++ {
		digits = append([]byte{'0'}, digits...)
	}
	for len(digits) <= int(d.Scale) {
		digits = append(digits, '0')
	}
	if len(digits) == 0 {
		return "0"
	}
	var text strings.Builder
	if negative {
		text.WriteByte('-')
	}
	for i := len(digits) - 1; i >= 0; i-- {
		text.WriteByte(digits[i])
		if i == int(d.Scale) && i > 0 {
			text.WriteByte('.')
		}
	}
	return text.String()
}

// multiplyAdd says whether the result fits.
func (d *Decimal) multiplyAdd(factor, carry uint64) bool {
	for i := range d.words {
		high, low := bits.Mul64(d.words[i], factor)
		low, c := bits.Add64(low, carry, 0)
		d.words[i], carry = low, high+c
	}
	return carry == 0
}

// divide returns the remainder; the decimal must not be negative.
func (d *Decimal) divide(divisor uint64) (remainder uint64) {
	for i := 3; i >= 0; i-- {
		d.words[i], remainder = bits.Div64(remainder, d.words[i], divisor)
	}
	return remainder
}

func (d *Decimal) negate() {
	carry := uint64(1)
	for i := range d.words {
		d.words[i], carry = bits.Add64(^d.words[i], 0, carry)
	}
}
