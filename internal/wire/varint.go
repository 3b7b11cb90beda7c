package wire

import "errors"

// MaxUint is the largest number on the wire, 2^53-1: the largest that a JavaScript number holds exactly.
const MaxUint = 1<<53 - 1

// ErrShort is returned where bytes end before the value does.
var ErrShort = errors.New("unexpected end")

// ErrNumber is returned for a uv that is above MaxUint or is not in its shortest form.
var ErrNumber = errors.New("number above 2^53-1 or not in its shortest form")

// AppendUv appends v, at most MaxUint, as unsigned LEB128.
func AppendUv(dst []byte, v uint64) []byte {
	for v >= 0x80 {
		dst = append(dst, byte(v)|0x80)
		v >>= 7
	}
	return append(dst, byte(v))
}

// AppendSv appends v as the uv of its zigzag form: 0, -1, 1, -2 are 0, 1, 2, 3.
func AppendSv(dst []byte, v int64) []byte {
	return AppendUv(dst, uint64(v)<<1^uint64(v>>63))
}

// SizeUv returns how many bytes AppendUv appends.
func SizeUv(v uint64) int {
	n := 1
	for v >= 0x80 {
		v >>= 7
		n++
	}
	return n
}

// AppendStr appends the length of s in bytes as uv, then s.
func AppendStr(dst []byte, s string) []byte {
	return append(AppendUv(dst, uint64(len(s))), s...)
}

// ReadUv reads a uv from the front of p and returns it and what follows.
func ReadUv(p []byte) (uint64, []byte, error) {
	var v uint64
	for i, b := range p {
		if i == 8 || i == 7 && b > 0x0f { // 7*7 + 4 bits are 53
			return 0, nil, ErrNumber
		}
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			if b == 0 && i > 0 {
				return 0, nil, ErrNumber
			}
			return v, p[i+1:], nil
		}
	}
	return 0, nil, ErrShort
}

// ReadSv reads an sv from the front of p and returns it and what follows.
func ReadSv(p []byte) (int64, []byte, error) {
	v, rest, err := ReadUv(p)
	return int64(v>>1) ^ -int64(v&1), rest, err
}

// ReadStr reads a str from the front of p and returns its bytes, which stay p's, and what follows.
func ReadStr(p []byte) (s, rest []byte, err error) {
	n, rest, err := ReadUv(p)
	if err != nil {
		return nil, nil, err
	}
	if n > uint64(len(rest)) {
		return nil, nil, ErrShort
	}
	return rest[:n], rest[n:], nil
}
