package httpmptest_test

import (
	"fmt"
	"testing"

	"github.com/httpmp/httpmp/httpmptest"
)

// In a test of your own, t is the test's.
func Example() {
	test := func(t testing.TB) {
		g := &arcade{}
		h := httpmptest.New(t, g)
		ann := h.Join("Ann")
		ann.Hold("ArrowRight")
		h.Frames(3)
		fmt.Println(g.ships[0].X)
		for _, c := range ann.Commands()[6:] {
			fmt.Println(c.Op, c.ID, c.Fields)
		}
	}
	fmt.Print(failure(test))
	// Output:
	// 30
	// set 1 map[pos:[10 0]]
	// set 1 map[pos:[20 0]]
	// set 1 map[pos:[30 0]]
}

// Every frame from Verify on is saved, loaded and saved again.
func ExampleHarness_Verify() {
	test := func(t testing.TB) {
		g := &sneaky{}
		h := httpmptest.New(t, g)
		h.Verify()
		h.Frames(2)
		fmt.Println(len(h.Hashes()), "frames are right")
		g.value = &g.all[1] // a pointer into the middle of a slice cannot be saved
		h.Frames(1)
	}
	fmt.Println(failure(test) != "")
	// Output:
	// 2 frames are right
	// true
}
