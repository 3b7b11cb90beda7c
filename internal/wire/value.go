package wire

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// AppendValueJSON appends the value of f as JSON mode shows it: in world units, with as many
// decimal places as its quantum has. Its numbers and strings come first in nums and strs. A JSON
// string is appended as it is: it must be valid, on one line.
func AppendValueJSON(dst []byte, f Field, nums []int64, strs []string) []byte {
	switch f.Type {
	case Pos:
		dst = appendQuanta(append(dst, '['), nums[0], f.Quantum)
		dst = appendQuanta(append(dst, ','), nums[1], f.Quantum)
		return append(dst, ']')
	case Int:
		return appendQuanta(dst, nums[0], f.Quantum)
	case Uint, U8, U16:
		return strconv.AppendInt(dst, nums[0], 10)
	case F32:
		return appendFloat32(dst, math.Float32frombits(uint32(nums[0])))
	case Angle:
		return appendFixed(dst, float64(nums[0])*2*math.Pi/256, 4)
	case Bool:
		return strconv.AppendBool(dst, nums[0] != 0)
	case Ints:
		return AppendInts(dst, nums[:f.Len])
	case Str:
		return AppendQuoted(dst, strs[0])
	default:
		return append(dst, strs[0]...)
	}
}

// appendQuanta appends k quanta in world units.
func appendQuanta(dst []byte, k int64, quantum float64) []byte {
	if quantum == 1 || quantum == 0 {
		return strconv.AppendInt(dst, k, 10)
	}
	scale := 1.0
	for p := range 10 {
		v := quantum * scale
		if whole := math.Floor(v + 0.5); whole >= 1 && math.Abs(v-whole) <= 1e-9 {
			if math.Abs(float64(k))*whole < 1<<62 {
				return appendDecimal(dst, k*int64(whole), p)
			}
			return appendFixed(dst, float64(k)*quantum, p)
		}
		scale *= 10
	}
	return appendFixed(dst, float64(k)*quantum, 9)
}

// appendDecimal appends v / 10^places without trailing zeros.
func appendDecimal(dst []byte, v int64, places int) []byte {
	u := uint64(v)
	if v < 0 {
		u = -u
		dst = append(dst, '-')
	}
	scale := uint64(1)
	for range places {
		scale *= 10
	}
	dst = strconv.AppendUint(dst, u/scale, 10)
	u %= scale
	if u == 0 {
		return dst
	}
	for dst = append(dst, '.'); u > 0; u %= scale {
		scale /= 10
		dst = append(dst, byte('0'+u/scale))
	}
	return dst
}

// appendFixed appends v rounded to so many places, halves away from zero as toFixed does in
// JavaScript, without trailing zeros.
func appendFixed(dst []byte, v float64, places int) []byte {
	at := len(dst)
	if v < 0 {
		v = -v
		dst = append(dst, '-')
	}
	digits := len(dst)
	dst = strconv.AppendFloat(dst, v, 'f', places+1+20, 64) // strconv rounds halves to even, so cut by hand
	end := len(dst) - 21
	up := dst[end] >= '5'
	dst = dst[:end]
	if up {
		dst = increment(dst, digits)
	}
	if places > 0 {
		for dst[len(dst)-1] == '0' {
			dst = dst[:len(dst)-1]
		}
	}
	if dst[len(dst)-1] == '.' {
		dst = dst[:len(dst)-1]
	}
	if string(dst[at:]) == "-0" {
		return append(dst[:at], '0')
	}
	return dst
}

// increment adds one to the last place of the decimal number dst[from:].
func increment(dst []byte, from int) []byte {
	for i := len(dst) - 1; i >= from; i-- {
		switch dst[i] {
		case '.':
		case '9':
			dst[i] = '0'
		default:
			dst[i]++
			return dst
		}
	}
	dst = append(dst, 0)
	copy(dst[from+1:], dst[from:])
	dst[from] = '1'
	return dst
}

// appendFloat32 appends the shortest decimal that reads as f, null where JSON has none.
func appendFloat32(dst []byte, f float32) []byte {
	v := float64(f)
	switch abs := math.Abs(v); {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return append(dst, "null"...)
	case v == 0:
		return append(dst, '0')
	case abs < 1e-6 || abs >= 1e21:
		return strconv.AppendFloat(dst, v, 'e', -1, 32)
	}
	return strconv.AppendFloat(dst, v, 'f', -1, 32)
}

// AppendQuoted appends s as a JSON string. Bytes that are not UTF-8 become U+FFFD.
func AppendQuoted(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c < ' ' || c == '"' || c == '\\' {
				dst = append(dst, s[from:i]...)
				switch c {
				case '"', '\\':
					dst = append(dst, '\\', c)
				case '\n':
					dst = append(dst, '\\', 'n')
				case '\t':
					dst = append(dst, '\\', 't')
				default:
					dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
				}
				from = i + 1
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			dst = append(append(dst, s[from:i]...), `\ufffd`...)
			from = i + 1
		}
		i += n
	}
	return append(append(dst, s[from:]...), '"')
}
