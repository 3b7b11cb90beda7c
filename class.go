package httpmp

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"unicode"
	"unicode/utf8"
	"unsafe"

	"github.com/httpmp/httpmp/internal/state"
	"github.com/httpmp/httpmp/internal/wire"
)

// class is a type of sprite: how its fields are read and what they are on the wire.
type class struct {
	typ       reflect.Type // the struct
	plan      *state.Plan
	looker    bool
	number    int // in the schema
	companion int // the class of its private fields; 0: it has none
}

var (
	spriteType = reflect.TypeFor[Sprite]()
	lookerType = reflect.TypeFor[Looker]()
	clientType = reflect.TypeFor[*Client]()
)

// learnTypes registers all types of the game's state and makes the schema. Sprites' types are those
// that a field of the game leads to, that are in the world, or that were declared.
func (k *core) learnTypes() error {
	if err := k.codec.Register(reflect.TypeOf(k.game).Elem()); err != nil {
		return fmt.Errorf("httpmp: %w", err)
	}
	types := k.world.declared
	for _, s := range k.world.sprites {
		types = append(types, reflect.TypeOf(s.sprite).Elem())
	}
	for _, t := range types {
		if err := k.codec.Register(t); err != nil {
			return fmt.Errorf("httpmp: %w", err)
		}
		if !reflect.PointerTo(t).Implements(spriteType) {
			return fmt.Errorf("httpmp: Declare(*%v): it has no method Step(*httpmp.Frame), so it is not a Sprite", t)
		}
	}
	kinds := state.Kinds{Pos: reflect.TypeFor[Pos](), Vel: reflect.TypeFor[Vel](), Ref: k.ref}
	game := reflect.TypeOf(k.game).Elem()
	plan, err := state.NewPlan(game, kinds)
	if err != nil {
		return fmt.Errorf("httpmp: %w", err)
	}
	if len(plan.Private()) > 0 {
		return fmt.Errorf("httpmp: %v.%s: a Game has no owner, so no field of it can be private", game, plan.Private()[0].Name)
	}
	k.gameRow.plan = plan
	k.schema.Classes = []wire.Class{
		{Name: "game", Fields: append([]wire.Field{{Name: "stage", Type: wire.JSON}}, plan.Fields()...)},
		{Name: "me", Fields: []wire.Field{
			{Name: "own", Type: wire.JSON}, {Name: "camera", Type: wire.JSON}, {Name: "view", Type: wire.JSON},
		}},
	}
	k.classes = make(map[reflect.Type]*class)
	for _, t := range k.codec.Structs() {
		if t != game && reflect.PointerTo(t).Implements(spriteType) {
			if err := k.addClass(t, kinds); err != nil {
				return err
			}
		}
	}
	return nil
}

// addClass adds the struct type t of a sprite to the schema.
func (k *core) addClass(t reflect.Type, kinds state.Kinds) error {
	plan, err := state.NewPlan(t, kinds)
	if err != nil {
		return fmt.Errorf("httpmp: %w", err)
	}
	c := &class{typ: t, plan: plan, looker: reflect.PointerTo(t).Implements(lookerType), number: len(k.schema.Classes)}
	if m, ok := reflect.PointerTo(t).MethodByName("Look"); ok && !c.looker {
		return fmt.Errorf("httpmp: *%v has method Look %v, want httpmp.Looker's Look() httpmp.Look", t, m.Type)
	}
	w := wire.Class{Name: className(t), Fields: plan.Fields()}
	for _, other := range k.schema.Classes {
		if other.Name == w.Name {
			return fmt.Errorf("httpmp: two classes would be called %q on the wire, one of them %v; rename it", w.Name, t)
		}
	}
	if c.looker {
		w.Fields = append(w.Fields, wire.Field{Name: "look", Type: wire.JSON})
	}
	if len(w.Fields) > wire.MaxFields {
		return fmt.Errorf("httpmp: %v has %d replicated fields, want at most %d", t, len(w.Fields), wire.MaxFields)
	}
	k.schema.Classes = append(k.schema.Classes, w)
	if private := plan.Private(); len(private) > 0 {
		c.companion = len(k.schema.Classes)
		of := wire.Field{Name: "of", Type: wire.Uint}
		k.schema.Classes = append(k.schema.Classes, wire.Class{Name: w.Name + "+", Fields: append([]wire.Field{of}, private...)})
	}
	k.classes[t] = c
	return nil
}

// className returns the name of t with its first letter lower.
func className(t reflect.Type) string {
	r, n := utf8.DecodeRuneInString(t.Name())
	return string(unicode.ToLower(r)) + t.Name()[n:]
}

// ref tells the plans how a pointer becomes an id.
func (k *core) ref(t reflect.Type) func(unsafe.Pointer) uint32 {
	switch {
	case t == clientType:
		return func(p unsafe.Pointer) uint32 {
			if p == nil {
				return 0
			}
			return uint32((*Client)(p).id)
		}
	case t.Implements(spriteType):
		return func(p unsafe.Pointer) uint32 {
			if p == nil {
				return 0
			}
			return uint32(k.world.ID(reflect.NewAt(t.Elem(), p).Interface().(Sprite)))
		}
	}
	return nil
}

// lookSource keeps the JSON of a Looker's Look.
type lookSource struct {
	looker Looker // nil where the class has no look
	look   Look
	json   string
}

func (s *lookSource) ask() {
	if s.looker == nil {
		return
	}
	if look := s.looker.Look(); look != s.look || s.json == "" {
		s.look, s.json = look, string(look.appendJSON(nil))
	}
}

// spriteSource reads the row of a sprite.
type spriteSource struct {
	class *class
	obj   unsafe.Pointer // the sprite's struct
	look  lookSource
}

func (k *core) newSource(s *spriteEntry) *spriteSource {
	v := reflect.ValueOf(s.sprite)
	src := &spriteSource{class: k.classes[v.Type().Elem()], obj: v.UnsafePointer()}
	if src.class.looker {
		src.look.looker = s.sprite.(Looker)
	}
	return src
}

// Read fills the row: the plan's fields, then the look.
func (s *spriteSource) Read(nums []int64, strs []string) error {
	if s.look.looker != nil {
		if err := fits("look", s.look.json); err != nil {
			return err
		}
		strs[len(strs)-1] = s.look.json
	}
	return s.class.plan.Read(s.obj, nums, strs)
}

// companionSource reads the private fields of a sprite.
type companionSource struct {
	sprite *spriteSource
	id     uint32
}

// Read fills the row: the sprite's id, then the plan's private fields.
func (s *companionSource) Read(nums []int64, strs []string) error {
	nums[0] = int64(s.id)
	if err := s.sprite.class.plan.ReadPrivate(s.sprite.obj, nums[1:], strs); err != nil {
		return fmt.Errorf("*%v %d: %w", s.sprite.class.typ, s.id, err)
	}
	return nil
}

// fits reports a JSON field that the wire has no room for.
func fits(field, json string) error {
	if len(json) > wire.MaxStr {
		return fmt.Errorf("field %q is %d bytes of JSON, want at most %d", field, len(json), wire.MaxStr)
	}
	return nil
}

// gameSource reads the row of the game.
type gameSource struct {
	game   Game
	plan   *state.Plan
	obj    unsafe.Pointer
	placed bool // it has its slot
	stage  Stage
	json   string
}

func (s *gameSource) ask() {
	if stage := s.game.Stage(); stage != s.stage || s.json == "" {
		s.stage, s.json = stage, string(stage.appendJSON(nil))
	}
}

// Read fills the row: the stage, then the plan's fields.
func (s *gameSource) Read(nums []int64, strs []string) error {
	strs[0] = s.json
	if err := fits("stage", s.json); err != nil {
		return err
	}
	return s.plan.Read(s.obj, nums, strs[1:])
}

// meSource reads the row of what is one client's alone.
type meSource struct {
	own    string
	shown  View
	follow SpriteID // of shown
	camera string
	view   string
}

// ask takes what the game shows to the client, and reports whether it is another View.
func (s *meSource) ask(w *World, v View) bool {
	var follow SpriteID
	if v.Follow != nil {
		follow = w.ID(v.Follow)
	}
	if v == s.shown && follow == s.follow && s.view != "" {
		return false
	}
	s.shown, s.follow, s.camera, s.view = v, follow, "null", "null"
	if follow != 0 {
		s.camera = strconv.Itoa(int(follow))
	} else if v.Center != (Pos{}) || v.W > 0 {
		s.camera = string(appendNumbers(nil, v.Center.X, v.Center.Y))
	}
	if v.W > 0 && v.H > 0 {
		s.view = string(appendNumbers(nil, v.W, v.H))
	}
	return true
}

// list brings own up to date.
func (s *meSource) list(w *World, id ClientID) {
	ids := []SpriteID{}
	for _, e := range w.sprites {
		if e.owner == id {
			ids = append(ids, e.id)
		}
	}
	p, _ := json.Marshal(ids) // numbers always have a JSON form
	s.own = string(p)
}

// Read fills the row.
func (s *meSource) Read(_ []int64, strs []string) error {
	strs[0], strs[1], strs[2] = s.own, s.camera, s.view
	return fits("own", s.own)
}

// misspelt returns the methods of g that look as if they were meant to be one of Game's, with that one.
func misspelt(g Game) [][2]string {
	meant := map[string]string{
		"Joined": "Join", "OnJoin": "Join", "Left": "Leave", "Leaved": "Leave", "OnLeave": "Leave",
		"Stages": "Stage", "GetStage": "Stage", "Views": "View", "GetView": "View", "Started": "Start", "OnStart": "Start",
	}
	var found [][2]string
	for i, t := 0, reflect.TypeOf(g); i < t.NumMethod(); i++ {
		if m := meant[t.Method(i).Name]; m != "" {
			found = append(found, [2]string{t.Method(i).Name, m})
		}
	}
	return found
}
