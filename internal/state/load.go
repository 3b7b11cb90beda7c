package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"unsafe"
)

// loader is one Load. It never allocates much more memory than the bytes that it has in hand can fill: what has
// been declared is owed, and nothing is declared that the rest of the bytes does not cover.
type loader struct {
	c     *Codec
	data  []byte
	pos   int
	owed  int // least bytes of what has been declared and not yet begun
	depth int

	objects []object
	late    []lateMap
	types   []*program
	shared  []shared
}

// shared is a slice or map that may come again.
type shared struct {
	ident *program
	at    unsafe.Pointer
	len   int
}

// word is the first word of an interface that holds a value of type p.
type word struct {
	p *program
	w unsafe.Pointer
}

// errShort says that the data ends too early, or declares more than there is.
var errShort = errors.New("it is cut off, or declares more than it holds")

// run loads data into root, a p.
func (l *loader) run(c *Codec, data []byte, p *program, root unsafe.Pointer) error {
	l.c, l.data, l.pos, l.owed, l.depth = c, data, 0, 0, 0
	defer l.release()
	switch {
	case len(data) < headerSize:
		return errShort
	case data[0] != version:
		return fmt.Errorf("version %d, want %d", data[0], version)
	case binary.LittleEndian.Uint64(data[1:]) != c.print(p):
		return errors.New("it was saved by another version of the program: a type has changed since")
	}
	l.pos = headerSize
	fresh := reflect.New(p.typ).UnsafePointer()
	if err := l.all(p, root, fresh); err != nil {
		return fmt.Errorf("byte %d: %w", l.pos, err)
	}
	if l.pos < len(data) {
		return fmt.Errorf("byte %d: %d bytes too many", l.pos, len(data)-l.pos)
	}
	c.parts(p).set(p.typ, root, fresh)
	return nil
}

// release lets go of what was made.
func (l *loader) release() {
	clear(l.objects)
	clear(l.late)
	clear(l.shared)
	l.objects, l.late, l.shared, l.types, l.data = l.objects[:0], l.late[:0], l.shared[:0], l.types[:0], nil
}

// all loads the root into fresh, and what pointers lead to. Pointers to the root are to root.
func (l *loader) all(p *program, root, fresh unsafe.Pointer) error {
	if err := l.declare(1, p.min); err != nil {
		return err
	}
	l.objects = append(l.objects, object{p, root})
	objects, late := 0, 0
	for {
		if objects < len(l.objects) {
			o := l.objects[objects]
			if objects == 0 {
				o.at = fresh
			}
			objects++
			l.owed -= o.p.min
			if err := l.ops(o.p.ops, o.at); err != nil {
				return fmt.Errorf("in a %s: %w", o.p.typ, err)
			}
		} else if late < len(l.late) {
			m := l.late[late]
			late++
			l.owed--
			n, err := l.uv()
			if err != nil {
				return err
			}
			if err := l.entries(m.p, reflect.NewAt(m.p.typ, unsafe.Pointer(&m.m)).Elem(), n); err != nil {
				return fmt.Errorf("in a %s: %w", m.p.typ, err)
			}
		} else {
			return nil
		}
	}
}

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

// ops loads the parts of the value at base, which is zero.
func (l *loader) ops(ops []op, base unsafe.Pointer) error {
	for i := range ops {
		o := &ops[i]
		p := unsafe.Add(base, o.off)
		var err error
		switch {
		case o.code == codeF64:
			if len(l.data)-l.pos < 8 {
				return errShort
			}
			*(*uint64)(p) = binary.LittleEndian.Uint64(l.data[l.pos:])
			l.pos += 8
		case o.code <= codeU64:
			err = l.whole(o.code, p)
		case o.code <= codeBytes:
			err = l.leaf(o, p)
		default:
			err = l.reference(o, p)
		}
		if err != nil {
			return err
		}
	}
	return nil
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

// reference loads what is not a leaf.
func (l *loader) reference(o *op, p unsafe.Pointer) error {
	switch o.code {
	case codePointer:
		to, err := l.pointer(o.p.elem)
		*(*unsafe.Pointer)(p) = to
		return err
	case codeSlice:
		return l.slice(o.p, (*slice)(p))
	case codeArray:
		return l.elements(o.p.elem, p, o.p.typ.Len(), 0)
	case codeMap:
		return l.mapping(o.p, (*unsafe.Pointer)(p))
	case codeInterface:
		return l.dynamic(o.p, p)
	default: // codeBinary
		b, err := l.str()
		if err != nil {
			return err
		}
		return loadBinary(b, o.p.typ, p)
	}
}

// pointer loads a pointer to an elem.
func (l *loader) pointer(elem *program) (unsafe.Pointer, error) {
	v, err := l.uv()
	if err != nil {
		return nil, err
	}
	switch v {
	case pointerNil:
		return nil, nil
	case pointerNew:
		if err := l.declare(1, elem.min); err != nil {
			return nil, err
		}
		at := reflect.New(elem.typ).UnsafePointer()
		l.objects = append(l.objects, object{elem, at})
		return at, nil
	case pointerPart:
		n, err := l.uv()
		if err != nil {
			return nil, err
		}
		parts := l.c.parts(l.objects[0].p)
		if n >= uint64(len(parts.all)) || parts.all[n].typ != elem.typ {
			return nil, fmt.Errorf("a pointer is to part %d of the root, which is no %s", n, elem.typ)
		}
		return unsafe.Add(l.objects[0].at, parts.all[n].off), nil
	}
	n := v - pointerKnown
	if n >= uint64(len(l.objects)) || l.objects[n].p != elem {
		return nil, fmt.Errorf("a pointer is to value %d, which is no %s", n, elem.typ)
	}
	return l.objects[n].at, nil
}

// again loads a slice or map that has come before.
func (l *loader) again(p *program) (shared, error) {
	n, err := l.uv()
	if err != nil {
		return shared{}, err
	}
	if n >= uint64(len(l.shared)) || l.shared[n].ident != p.ident {
		return shared{}, fmt.Errorf("slice or map %d is no %s", n, p.typ)
	}
	return l.shared[n], nil
}

// maxMemory is the most memory of a slice. More is a mistake whatever the data.
const maxMemory = 1 << 40

// slice loads a slice.
func (l *loader) slice(p *program, to *slice) error {
	v, err := l.uv()
	if err != nil || v == sliceNil {
		return err
	}
	if v == sliceAgain {
		s, err := l.again(p)
		*to = slice{s.at, s.len, s.len}
		return err
	}
	n, elem := v-sliceNew, p.elem
	size := elem.min
	if elem.size > 0 {
		size = max(size, 1)
	}
	if err := l.declare(n, size); err != nil {
		return err
	}
	if n > maxMemory/uint64(max(elem.size, 1)) {
		return fmt.Errorf("a %s of %d elements is too long", p.typ, n)
	}
	*to = l.makeSlice(p, int(n))
	if n > 0 && elem.size > 0 {
		l.shared = append(l.shared, shared{p.ident, to.data, to.len})
	}
	switch {
	case elem.code == codeU8:
		l.owed -= int(n)
		b, err := l.take(n)
		copy(unsafe.Slice((*byte)(to.data), n), b)
		return err
	case len(elem.ops) > 0:
		return l.elements(elem, to.data, int(n), size)
	case elem.size > 0:
		l.owed -= int(n)
		b, err := l.take(n)
		for _, b := range b {
			if b != 0 {
				return fmt.Errorf("an element without content is %d, want 0", b)
			}
		}
		return err
	}
	return nil
}

// makeSlice returns a slice of n zero elements.
func (l *loader) makeSlice(p *program, n int) slice {
	if p.elem.plain && n > 0 {
		words := make([]uint64, (uintptr(n)*p.elem.size+7)/8)
		if len(words) > 0 {
			return slice{unsafe.Pointer(unsafe.SliceData(words)), n, n}
		}
	}
	return slice{reflect.MakeSlice(p.typ, n, n).UnsafePointer(), n, n}
}

// elements loads n elements, each of which is owed that many bytes.
func (l *loader) elements(elem *program, data unsafe.Pointer, n, owed int) error {
	if err := l.deeper(); err != nil {
		return err
	}
	for i := range n {
		l.owed -= owed
		if err := l.ops(elem.ops, unsafe.Add(data, uintptr(i)*elem.size)); err != nil {
			return err
		}
	}
	l.depth--
	return nil
}

// deeper goes one level down.
func (l *loader) deeper() error {
	if l.depth++; l.depth > maxDepth {
		return fmt.Errorf("it is more than %d levels deep", maxDepth)
	}
	return nil
}

// mapping loads a map.
func (l *loader) mapping(p *program, to *unsafe.Pointer) error {
	v, err := l.uv()
	if err != nil || v == sliceNil {
		return err
	}
	if v == sliceAgain {
		s, err := l.again(p)
		*to = s.at
		return err
	}
	n := v - sliceNew
	if p.late {
		if n > 0 {
			return fmt.Errorf("a map with references as keys begins with %d, want %d", v, sliceNew)
		}
		if err := l.declare(1, 1); err != nil {
			return err
		}
	}
	m := reflect.MakeMap(p.typ)
	*to = m.UnsafePointer()
	l.shared = append(l.shared, shared{p.ident, *to, -1})
	if p.late {
		l.late = append(l.late, lateMap{p, *to})
		return nil
	}
	return l.entries(p, m, n)
}

// entries loads n entries into m.
func (l *loader) entries(p *program, m reflect.Value, n uint64) error {
	if err := l.deeper(); err != nil {
		return err
	}
	if len(p.key.ops) == 0 && n > 1 {
		return fmt.Errorf("a %s has %d entries, want at most 1", p.typ, n)
	}
	size := plus(p.key.min, p.elem.min)
	if err := l.declare(n, size); err != nil {
		return err
	}
	if n == 0 {
		l.depth--
		return nil
	}
	var order ordering // without pointers
	keys := [2]reflect.Value{reflect.New(p.key.typ), reflect.New(p.key.typ)}
	value := reflect.New(p.elem.typ)
	for i := range n {
		l.owed -= size
		key, last := keys[i&1], keys[1-i&1]
		key.Elem().SetZero()
		value.Elem().SetZero()
		if err := l.ops(p.key.ops, key.UnsafePointer()); err != nil {
			return err
		}
		switch {
		case p.late && !p.key.hashable(key.UnsafePointer()):
			return fmt.Errorf("a %s has a key that is no pointer", p.typ)
		case !p.late && i > 0 && order.compare(p.key.ops, last.UnsafePointer(), key.UnsafePointer()) >= 0:
			return fmt.Errorf("the keys of a %s are not in order", p.typ)
		}
		if err := l.ops(p.elem.ops, value.UnsafePointer()); err != nil {
			return err
		}
		m.SetMapIndex(key.Elem(), value.Elem())
	}
	if uint64(m.Len()) != n {
		return fmt.Errorf("a %s has keys twice", p.typ)
	}
	l.depth--
	return nil
}

// hashable reports whether all interfaces in the key at p hold pointers, as they did when it was saved.
func (p *program) hashable(at unsafe.Pointer) bool {
	for _, o := range p.ops {
		part := unsafe.Add(at, o.off)
		switch o.code {
		case codeInterface:
			x := unpack(o.p, part)
			if x != nil && reflect.TypeOf(x).Kind() != reflect.Pointer {
				return false
			}
		case codeArray:
			for i := range o.p.typ.Len() {
				if !o.p.elem.hashable(unsafe.Add(part, uintptr(i)*o.p.elem.size)) {
					return false
				}
			}
		default:
		}
	}
	return true
}

// dynamic loads an interface, a p.
func (l *loader) dynamic(p *program, at unsafe.Pointer) error {
	n, err := l.uv()
	if err != nil || n == 0 {
		return err
	}
	if n == uint64(len(l.types))+1 {
		if err := l.newType(); err != nil {
			return err
		}
	}
	if n > uint64(len(l.types)) {
		return fmt.Errorf("an interface holds type %d of %d", n-1, len(l.types))
	}
	d := l.types[n-1]
	w, err := p.word(d)
	if err != nil {
		return err
	}
	if d.code == codePointer {
		to, err := l.pointer(d.elem)
		*(*[2]unsafe.Pointer)(at) = [2]unsafe.Pointer{w, to}
		return err
	}
	if err := l.deeper(); err != nil {
		return err
	}
	v := reflect.New(d.typ)
	if err := l.ops(d.ops, v.UnsafePointer()); err != nil {
		return err
	}
	reflect.NewAt(p.typ, at).Elem().Set(v.Elem())
	l.depth--
	return nil
}

// newType reads a type that comes for the first time.
func (l *loader) newType() error {
	name, err := l.str()
	if err != nil {
		return err
	}
	print, err := l.take(8)
	if err != nil {
		return err
	}
	p := l.c.named(name)
	if p == nil {
		return fmt.Errorf("it has a %.200q, which is not registered", name)
	}
	if binary.LittleEndian.Uint64(print) != l.c.print(p) {
		return fmt.Errorf("it was saved when %s, or a type that it leads to, was another", p.typ)
	}
	for _, q := range l.types {
		if q == p {
			return fmt.Errorf("%s is declared twice", p.typ)
		}
	}
	l.types = append(l.types, p)
	return nil
}

// word returns the first word of an interface, a p, that holds a d.
func (p *program) word(d *program) (unsafe.Pointer, error) {
	for _, w := range p.words {
		if w.p == d {
			return w.w, nil
		}
	}
	if !d.typ.Implements(p.typ) {
		return nil, fmt.Errorf("a %s holds a %s, which does not implement it", p.typ, d.typ)
	}
	v := reflect.New(p.typ)
	v.Elem().Set(reflect.Zero(d.typ))
	w := *(*unsafe.Pointer)(v.UnsafePointer())
	p.words = append(p.words, word{d, w})
	return w, nil
}
