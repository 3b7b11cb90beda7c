package state

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// tagKey is the key of the struct tag that this package reads.
const tagKey = "httpmp"

// tag is what a field's struct tag says.
type tag struct {
	set     bool    // there is one
	skip    bool    // "-": the field is not part of the state
	name    string  // may be empty: the default name of the type, where it has one
	quantum float64 // 0: no q=
	rad     bool
	private bool
}

// parseTag reads the tag of f. Whether the options fit f's type is not its business.
func parseTag(f reflect.StructField) (tag, error) {
	value, ok := f.Tag.Lookup(tagKey)
	if !ok {
		if rest, found := strings.CutPrefix(strings.TrimSpace(string(f.Tag)), tagKey); found && (rest == "" || strings.ContainsAny(rest[:1], ": \t\"")) {
			return tag{}, fmt.Errorf("tag %s is malformed, want %s:\"name\" without spaces", f.Tag, tagKey)
		}
		return tag{}, nil
	}
	t := tag{set: true}
	name, options, more := strings.Cut(value, ",")
	if name == "-" {
		if more {
			return tag{}, fmt.Errorf("tag %q, want - alone: the field is not part of the state", value)
		}
		t.skip = true
		return t, nil
	}
	if name != "" && !validName(name) {
		return tag{}, fmt.Errorf("name %q, want 1 to 32 of A-Z, a-z, 0-9 and _", name)
	}
	t.name = name
	for more {
		var option string
		option, options, more = strings.Cut(options, ",")
		if err := t.option(option); err != nil {
			return tag{}, err
		}
	}
	if t.rad && t.quantum != 0 {
		return tag{}, fmt.Errorf("tag %q has q= and rad, want one of them", value)
	}
	return t, nil
}

// option takes one option of a tag.
func (t *tag) option(s string) error {
	q, isQuantum := strings.CutPrefix(s, "q=")
	switch {
	case isQuantum && t.quantum != 0, s == "rad" && t.rad, s == "private" && t.private:
		return fmt.Errorf("option %q comes twice", s)
	case isQuantum:
		v, err := strconv.ParseFloat(q, 64)
		if err != nil || !(v > 0) || math.IsInf(v, 0) {
			return fmt.Errorf("option %q, want a finite number above 0", s)
		}
		t.quantum = v
	case s == "rad":
		t.rad = true
	case s == "private":
		t.private = true
	default:
		return fmt.Errorf("option %q unknown, want q=, rad, private or -", s)
	}
	return nil
}

// skipped reports whether f is tagged as not part of the state.
func skipped(f reflect.StructField) bool { return f.Tag.Get(tagKey) == "-" }

// validName reports whether s is 1 to 32 of A-Z, a-z, 0-9 and _.
func validName(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 32
}
