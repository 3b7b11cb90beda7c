package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"
)

// declare notes that n values of at least size bytes each follow, or returns errShort if they cannot.
func (l *loader) declare(n uint64, size int) error {
	rest := uint64(len(l.data) - l.pos - l.owed)
	if l.owed > len(l.data)-l.pos || size > 0 && n > rest/uint64(size) {
		return errShort
	}
	l.owed += int(n) * size
	return nil
}

// uv reads an unsigned number in its shortest form.
func (l *loader) uv() (uint64, error) {
	if l.pos < len(l.data) && l.data[l.pos] < 0x80 {
		l.pos++
		return uint64(l.data[l.pos-1]), nil
	}
	v, n := binary.Uvarint(l.data[l.pos:])
	if n == 0 {
		return 0, errShort
	}
	if n < 0 || l.data[l.pos+n-1] == 0 {
		return 0, errors.New("a number is above 2^64-1 or not in its shortest form")
	}
	l.pos += n
	return v, nil
}

// take returns the next n bytes.
func (l *loader) take(n uint64) ([]byte, error) {
	if n > uint64(len(l.data)-l.pos) {
		return nil, errShort
	}
	l.pos += int(n)
	return l.data[l.pos-int(n) : l.pos], nil
}

// str reads a string's bytes.
func (l *loader) str() ([]byte, error) {
	n, err := l.uv()
	if err != nil {
		return nil, err
	}
	return l.take(n)
}

// whole loads a bool or a whole number.
func (l *loader) whole(code code, p unsafe.Pointer) error {
	if code == codeU8 || code == codeBool {
		b, err := l.take(1)
		if err != nil {
			return err
		}
		if code == codeBool && b[0] > 1 {
			return fmt.Errorf("a bool is %d, want 0 or 1", b[0])
		}
		*(*byte)(p) = b[0]
		return nil
	}
	v, err := l.uv()
	if err != nil {
		return err
	}
	fits := true
	signed := int64(v>>1) ^ -int64(v&1)
	switch code {
	case codeI8:
		*(*int8)(p), fits = int8(signed), int64(int8(signed)) == signed
	case codeI16:
		*(*int16)(p), fits = int16(signed), int64(int16(signed)) == signed
	case codeI32:
		*(*int32)(p), fits = int32(signed), int64(int32(signed)) == signed
	case codeI64:
		*(*int64)(p) = signed
	case codeU16:
		*(*uint16)(p), fits = uint16(v), uint64(uint16(v)) == v
	case codeU32:
		*(*uint32)(p), fits = uint32(v), uint64(uint32(v)) == v
	default:
		*(*uint64)(p) = v
	}
	if !fits {
		return errors.New("a number is beyond its type")
	}
	return nil
}

// leaf loads what has no pointers but strings.
func (l *loader) leaf(o *op, p unsafe.Pointer) error {
	var b []byte
	var err error
	switch o.code {
	case codeString:
		if b, err = l.str(); err == nil {
			*(*string)(p) = string(b)
		}
	case codeF32:
		if b, err = l.take(4); err == nil {
			*(*uint32)(p) = binary.LittleEndian.Uint32(b)
		}
	case codeC64:
		if b, err = l.take(8); err == nil {
			*(*[2]uint32)(p) = [2]uint32{binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])}
		}
	case codeC128:
		if b, err = l.take(16); err == nil {
			*(*[2]uint64)(p) = [2]uint64{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
		}
	default: // codeBytes
		if b, err = l.take(uint64(o.p.size)); err == nil {
			copy(unsafe.Slice((*byte)(p), len(b)), b)
		}
	}
	return err
}
