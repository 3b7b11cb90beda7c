package wire_test

import (
	"fmt"
	"strings"

	"github.com/httpmp/httpmp/internal/wire"
)

// frameCase is a client's life: frames and the same in JSON mode. A step without a line is an error.
type frameCase struct {
	name  string
	steps []frameStep
}

type frameStep struct {
	frame []byte
	line  string
}

// What the rows of game and me are in a line.
const (
	gameLine = `"stage":{"w":640,"h":480},"game":{"score":[1,2],"clock":1.5,"phase":"play"}`
	meLine   = `"me":{"own":[],"camera":null,"view":null}`
)

func ballLine(id int, x, y string) string {
	return fmt.Sprintf(`[%d,"ball",{"pos":[%s,%s],"vel":[0,0],"look":{"circle":6}}]`, id, x, y)
}

func frameCases() []frameCase {
	var cases []frameCase
	cases = append(cases, stateCases()...)
	cases = append(cases, layerCases()...)
	cases = append(cases, headerCases()...)
	return append(cases, errorCases()...)
}

// stateCases are about rows: adds, updates, moves, values.
func stateCases() []frameCase {
	nums, strs := thing()
	other := []int64{12, -40, 100, 0, 0, 0, 1, bits(-2.5e-7), 255, 0, 0, 0, 0, -1}
	third := []int64{-1 << 50, 1 << 50, -1 << 31, 1, 1<<53 - 1, 255, 65535, bits(3e38), 1, 1, -1 << 40, 1 << 40, 7, 5119}
	const all = 1<<13 - 1
	long := strings.Repeat("é", 100)
	var many, manyAfter [][]byte
	lines := []string{}
	for i := range 4 {
		slot, id := []uint64{1, 33, 100, 65535}[i], uint64(i+1)
		many = append(many, ball(slot, id, int64(i), int64(-i)))
		lines = append(lines, ballLine(int(id), []string{"0", "0.5", "1", "1.5"}[i], []string{"0", "-0.5", "-1", "-1.5"}[i]))
	}
	at := []int64{10, 10, 0, 0}
	for _, gap := range []uint64{1, 31, 66, 65434} {
		manyAfter = append(manyAfter, update(classBall, gap, 1, []int64{0, 0, 0, 0}, at))
	}
	return []frameCase{
		{"pong, the worked example", []frameStep{
			{
				key(1000, full(0, game(), add(classBall, 1, 1, []int64{40, 480, 0, 0}, `{"rect":[10,80],"fill":"white"}`), add(classBall, 2, 2, []int64{1240, 480, 0, 0}, `{"rect":[10,80],"fill":"white"}`), add(classBall, 3, 3, []int64{640, 480, 300, -40}, `{"circle":6,"fill":"white"}`)), full(1, me("[1]"))),
				`{"n":1000,"key":true,"ack":0,` + gameLine + `,"add":[[1,"ball",{"pos":[20,240],"vel":[0,0],"look":{"rect":[10,80],"fill":"white"}}],[2,"ball",{"pos":[620,240],"vel":[0,0],"look":{"rect":[10,80],"fill":"white"}}],[3,"ball",{"pos":[320,240],"vel":[300,-40],"look":{"circle":6,"fill":"white"}}]],"me":{"own":[1],"camera":null,"view":null}}`,
			},
			{
				frame(wire.Header{Flags: wire.FlagAck, Frame: 1001, Ack: 1, Slack: 12}, delta(0, move(1, 0, -20), move(1, 20, 0))),
				`{"n":1001,"ack":1,"slack":12,"set":[[1,{"pos":[20,230]}],[3,{"pos":[330,240]}]]}`,
			},
			{
				next(1042, delta(0, update(wire.ClassGame, 0, 2, []int64{1, 2, 0}, []int64{1, 3, 0}, "", ""), update(classBall, 2, 1, []int64{660, 480, 0, 0}, []int64{640, 480, 0, 0}, ""), event("say", `"Right serves"`))),
				`{"n":1042,"set":[[3,{"pos":[320,240]}]],"game":{"score":[1,3]},"ev":[["say","Right serves"]]}`,
			},
		}},
		{"every type of field", []frameStep{
			{
				key(1, full(0, game(), add(classThing, 1, 9, nums, strs...), add(classWall, 2, 10, nil, `{"line":[0,0,5,5]}`)), full(1, me("[]"))),
				`{"n":1,"key":true,"ack":0,` + gameLine + `,` + meLine + `,"add":[[9,"thing",{"pos":[-3.1,0.3],"level":-7,"heat":1234.56,"owner":2,"hp":200,"ammo":60000,"mass":0.1,"angle":1.5708,"alive":true,"name":"Zoë \"Z\"\n","look":{"rect":[10,80]},"bag":[1,-2,300],"fine":0.000976563}],[10,"wall",{"look":{"line":[0,0,5,5]}}]]}`,
			},
			{
				next(2, delta(0, update(classThing, 1, all, nums, other, "", `[]`))),
				`{"n":2,"set":[[9,{"pos":[1.2,-4],"level":100,"heat":0,"owner":0,"hp":0,"ammo":1,"mass":-2.5e-07,"angle":6.2586,"alive":false,"name":"","look":[],"bag":[0,0,0],"fine":-0.000976563}]]}`,
			},
			{
				next(3, block(0, wire.ModeCatchUp, update(classThing, 1, all, nil, third, long, `[1,{"a":"b c"}]`))),
				`{"n":3,"set":[[9,{"pos":[-112589990684262.4,112589990684262.4],"level":-2147483648,"heat":0.01,"owner":9007199254740991,"hp":255,"ammo":65535,"mass":3e+38,"angle":0.0245,"alive":true,"name":"` + long + `","look":[1,{"a":"b c"}],"bag":[-1099511627776,1099511627776,7],"fine":4.999023438}]]}`,
			},
			{
				next(4, delta(0, update(classThing, 1, 1<<1|1<<7|1<<12, third, []int64{0, 0, -1 << 31, 1, 0, 0, 0, 0, 128, 0, 0, 0, 0, 5120}, "", ""))),
				`{"n":4,"set":[[9,{"level":-2147483648,"angle":3.1416,"fine":5}]]}`,
			},
		}},
		{"moves of 2 and 3 bytes at their ends", []frameStep{
			{
				key(7, full(0, game(), ball(1, 1, 0, 0), ball(2, 2, 0, 0), ball(10, 3, 0, 0), ball(26, 4, 0, 0)), full(1, me("[]"))),
				`{"n":7,"key":true,"ack":0,` + gameLine + `,` + meLine + `,"add":[` + strings.Join([]string{ballLine(1, "0", "0"), ballLine(2, "0", "0"), ballLine(3, "0", "0"), ballLine(4, "0", "0")}, ",") + `]}`,
			},
			{
				next(8, delta(0, move(1, 31, -32), move(0, -32, 31), move(7, 255, -256), move(15, -256, 255))),
				`{"n":8,"set":[[1,{"pos":[15.5,-16]}],[2,{"pos":[-16,15.5]}],[3,{"pos":[127.5,-128]}],[4,{"pos":[-128,127.5]}]]}`,
			},
			{
				next(9, delta(0, move(1, 32, 0), move(0, 0, -33), move(7, -1, 1), move(15, 0, 0))),
				`{"n":9,"set":[[1,{"pos":[31.5,-16]}],[2,{"pos":[-16,-1]}],[3,{"pos":[127,-127.5]}],[4,{"pos":[-128,127.5]}]]}`,
			},
		}},
		{"gaps between slots", []frameStep{
			{key(1, full(0, game(), join(many...)), full(1, me("[]"))), `{"n":1,"key":true,"ack":0,` + gameLine + `,` + meLine + `,"add":[` + strings.Join(lines, ",") + `]}`},
			{
				next(2, delta(0, join(manyAfter...))),
				`{"n":2,"set":[[1,{"pos":[5,5]}],[2,{"pos":[5.5,4.5]}],[3,{"pos":[6,4]}],[4,{"pos":[6.5,3.5]}]]}`,
			},
		}},
		{"classes from 15", []frameStep{
			{
				key(1, full(0, game(), add(classFar, 1, 300, []int64{-5}), add(classFarther, 2, 4294967295, []int64{3, 4}), add(14, 3, 7, nil)), full(1, me("[]"))),
				`{"n":1,"key":true,"ack":0,` + gameLine + `,` + meLine + `,"add":[[300,"far",{"n":-5}],[4294967295,"farther",{"pos":[3,4]}],[7,"c14",{}]]}`,
			},
			{
				next(2, delta(0, update(classFar, 1, 1, []int64{-5}, []int64{5}), move(0, 1, 1))),
				`{"n":2,"set":[[300,{"n":5}],[4294967295,{"pos":[4,5]}]]}`,
			},
		}},
		{"add, remove, a slot used again", []frameStep{
			{key(1, full(0, game(), ball(1, 1, 2, 2), ball(2, 2, 4, 4)), full(1, me("[]"))), `{"n":1,"key":true,"ack":0,` + gameLine + `,` + meLine + `,"add":[` + ballLine(1, "1", "1") + `,` + ballLine(2, "2", "2") + `]}`},
			{next(2, delta(0, remove(1), ball(1, 3, 6, 6), move(2, 2, 2))), `{"n":2,"del":[1],"add":[` + ballLine(3, "3", "3") + `],"set":[[2,{"pos":[3,3]}]]}`},
			{next(3, delta(0, remove(1), remove(2))), `{"n":3,"del":[2,3]}`},
			{next(4, delta(0, ball(2, 4, 0, 0))), `{"n":4,"add":[` + ballLine(4, "0", "0") + `]}`},
		}},
	}
}

// layerCases are about layers: what is private, what changes hands, modes.
func layerCases() []frameCase {
	nums, strs := thing()
	line := `[9,"thing",{"pos":[-3.1,0.3],"level":-7,"heat":1234.56,"owner":2,"hp":200,"ammo":60000,"mass":0.1,"angle":1.5708,"alive":true,"name":"Zoë \"Z\"\n","look":{"rect":[10,80]},"bag":[1,-2,300],"fine":0.000976563`
	return []frameCase{
		{"private fields and me", []frameStep{
			{
				key(1, full(0, game(), add(classThing, 1, 9, nums, strs...)), full(1, add(wire.ClassMe, 0, 0, nil, "[9]", "9", "[320,240]"), add(classThingPlus, 1, 0, []int64{9, 50}, "map"))),
				`{"n":1,"key":true,"ack":0,` + gameLine + `,"add":[` + line + `,"gold":50,"secret":"map"}]],"me":{"own":[9],"camera":9,"view":[320,240]}}`,
			},
			{
				next(2, delta(1, update(wire.ClassMe, 0, 2|4, nil, nil, "", "[1.5,-2]", "null"), update(classThingPlus, 0, 2, []int64{9, 50}, []int64{9, 51}, ""))),
				`{"n":2,"set":[[9,{"gold":51}]],"me":{"camera":[1.5,-2],"view":null}}`,
			},
			{
				next(3, delta(0, update(classThing, 1, 1<<3, nums, append([]int64{0, 0, 0, 0, 3}, nums[5:]...), "", "")), delta(1, remove(1), update(wire.ClassMe, 0, 1, nil, nil, "[]", "", ""))),
				`{"n":3,"set":[[9,{"owner":3,"gold":null,"secret":null}]],"me":{"own":[]}}`,
			},
			{next(4, delta(0, remove(1))), `{"n":4,"del":[9]}`},
		}},
		{"handed from layer to layer", []frameStep{
			{
				key(1, full(0, game(), ball(1, 1, 0, 0)), full(1, me("[]")), full(2, ball(0, 2, 10, 10), ball(1, 3, 20, 20))),
				`{"n":1,"key":true,"ack":0,` + gameLine + `,"add":[` + ballLine(1, "0", "0") + `,` + ballLine(2, "5", "5") + `,` + ballLine(3, "10", "10") + `],` + meLine + `}`,
			},
			{next(2, delta(0, ball(2, 2, 12, 10)), delta(2, remove(0))), `{"n":2,"set":[[2,{"pos":[6,5]}]]}`},
			{next(3, delta(0, remove(1)), delta(2, ball(0, 1, 0, 2))), `{"n":3,"set":[[1,{"pos":[0,1]}]]}`},
			{next(4, delta(0, move(2, 1, 1)), delta(2, move(0, 1, 1), move(0, 1, 1))), `{"n":4,"set":[[2,{"pos":[6.5,5.5]}],[1,{"pos":[0.5,1.5]}],[3,{"pos":[10.5,10.5]}]]}`},
		}},
		{"a layer comes, is taken afresh, goes", []frameStep{
			{key(1, full(0, game()), full(1, me("[]"))), `{"n":1,"key":true,"ack":0,` + gameLine + `,` + meLine + `}`},
			{next(2, full(300, ball(5, 1, 2, 2), ball(6, 2, 4, 4))), `{"n":2,"add":[` + ballLine(1, "1", "1") + `,` + ballLine(2, "2", "2") + `]}`},
			{next(3, full(300, ball(6, 2, 8, 8), ball(7, 3, 6, 6))), `{"n":3,"del":[1],"add":[` + ballLine(3, "3", "3") + `],"set":[[2,{"pos":[4,4]}]]}`},
			{next(4, block(7, wire.ModeDrop), block(300, wire.ModeDrop)), `{"n":4,"del":[2,3]}`},
			{next(5, block(300, wire.ModeDrop)), `{"n":5}`},
			{next(6, full(300), delta(301)), ``},
			{next(6, full(300)), `{"n":6}`},
			{next(7, delta(300, ball(0, 9, 0, 0))), `{"n":7,"add":[` + ballLine(9, "0", "0") + `]}`},
		}},
		{"catch-up", []frameStep{
			{
				key(1, full(0, game(), ball(1, 1, 2, 2), ball(2, 2, 4, 4), ball(3, 3, 0, 0)), full(1, me("[]"))),
				`{"n":1,"key":true,"ack":0,` + gameLine + `,"add":[` + ballLine(1, "1", "1") + `,` + ballLine(2, "2", "2") + `,` + ballLine(3, "0", "0") + `],` + meLine + `}`,
			},
			{
				frame(wire.Header{Flags: wire.FlagNAbs | wire.FlagAck, Frame: 900, Ack: 12, Slack: -30},
					block(0, wire.ModeCatchUp, remove(2), ball(2, 4, 6, 6), update(wire.ClassGame, 0, 8, nil, []int64{0, 0, 0}, "", "over"), update(classBall, 0, 3, nil, []int64{100, -100, 7, -7}, ""), update(classBall, 1, 4, nil, []int64{0, 0, 0, 0}, `{"circle":9}`)),
					block(1, wire.ModeCatchUp, update(wire.ClassMe, 0, 1, nil, nil, "[3,4]", "", ""))),
				`{"n":900,"ack":12,"slack":-30,"del":[2],"add":[` + ballLine(4, "3", "3") + `],"set":[[1,{"pos":[50,-50],"vel":[7,-7]}],[3,{"look":{"circle":9}}]],"game":{"phase":"over"},"me":{"own":[3,4]}}`,
			},
		}},
		{"a key frame forgets everything", []frameStep{
			{
				key(50, full(0, game(), ball(1, 1, 0, 0)), full(1, me("[1]")), full(2, ball(1, 2, 0, 0))),
				`{"n":50,"key":true,"ack":0,` + gameLine + `,"add":[` + ballLine(1, "0", "0") + `,` + ballLine(2, "0", "0") + `],"me":{"own":[1],"camera":null,"view":null}}`,
			},
			{key(3, full(0, game(), ball(1, 2, 2, 2)), full(1, me("[]"))), `{"n":3,"key":true,"ack":0,` + gameLine + `,` + meLine + `,"add":[` + ballLine(2, "1", "1") + `]}`},
		}},
	}
}

// headerCases are about frame numbers, acks, events and what is to be skipped.
func headerCases() []frameCase {
	first := frameStep{key(200, full(0, game()), full(1, me("[]")), full(2)), `{"n":200,"key":true,"ack":0,` + gameLine + `,` + meLine + `}`}
	return []frameCase{
		{"frame numbers", []frameStep{
			first,
			{next(201), `{"n":201}`},
			{next(255), `{"n":255}`},
			{next(256), `{"n":256}`},
			{next(511), `{"n":511}`},
			{frame(wire.Header{Flags: wire.FlagNAbs, Frame: 10_000}), `{"n":10000}`},
			{frame(wire.Header{Flags: wire.FlagNAbs, Frame: 10_000}), `{"n":10000}`},
			{frame(wire.Header{Flags: wire.FlagNAbs, Frame: 1<<53 - 2}), `{"n":9007199254740990}`},
			{next(1<<53 - 1), `{"n":9007199254740991}`},
		}},
		{"acks", []frameStep{
			{frame(wire.Header{Flags: wire.FlagKey | wire.FlagAck, Frame: 200, Ack: 70}, full(0, game()), full(1, me("[]"))), `{"n":200,"key":true,"ack":70,` + gameLine + `,` + meLine + `}`},
			{frame(wire.Header{Flags: wire.FlagAck, Frame: 201, Ack: 3, Slack: -64}), `{"n":201,"ack":73,"slack":-64}`},
			{next(202), `{"n":202}`},
			{frame(wire.Header{Flags: wire.FlagAck, Frame: 203, Ack: 200, Slack: 63}), `{"n":203,"ack":273,"slack":63}`},
			{frame(wire.Header{Flags: wire.FlagAck | wire.FlagNAbs, Frame: 204, Ack: 300, Slack: 5000}), `{"n":204,"ack":300,"slack":5000}`},
			{frame(wire.Header{Flags: wire.FlagAck, Frame: 205, Ack: 1}), `{"n":205,"ack":301}`},
		}},
		{"events", []frameStep{
			first,
			{
				next(201, delta(0, event("say", `"ä 🎈 <b>"`), event("chat", `{"from":"Ann","text":"hi"}`)), delta(1, event("hint", `null`)), delta(2, event("horn", `[1,2,{"x":[]}]`))),
				`{"n":201,"ev":[["say","ä 🎈 <b>"],["chat",{"from":"Ann","text":"hi"}],["horn",[1,2,{"x":[]}]],["hint",null]]}`,
			},
			{frame(wire.Header{Flags: wire.FlagEvGap, Frame: 202}, delta(0, event("goal", ``))), `{"n":202,"ev":[["goal",null]],"evgap":true}`},
			{frame(wire.Header{Flags: wire.FlagEvGap | wire.FlagNAbs, Frame: 203}), `{"n":203,"evgap":true}`},
		}},
		{"ops to be skipped", []frameStep{
			first,
			{next(201, delta(0, []byte{0xf2, 0}, []byte{0xff, 3, 0xf0, 0xf0, 0xf0}, ball(1, 1, 0, 0))), `{"n":201,"add":[` + ballLine(1, "0", "0") + `]}`},
			{next(202, delta(0)), `{"n":202}`},
		}},
	}
}

// errorCases are frames that a client cannot apply. Each leaves everything as it was.
func errorCases() []frameCase {
	first := frameStep{key(1, full(0, game(), ball(1, 1, 0, 0), add(classWall, 2, 2, nil, `{}`)), full(1, me("[]"))), `{"n":1,"key":true,"ack":0,` + gameLine + `,` + meLine + `,"add":[` + ballLine(1, "0", "0") + `,[2,"wall",{"look":{}}]]}`}
	last := frameStep{next(2, delta(0, move(1, 2, 2))), `{"n":2,"set":[[1,{"pos":[1,1]}]]}`}
	mv := move(1, 9, 9)
	whole := delta(0, remove(2), ball(3, 3, 0, 0), mv, update(classBall, 1, 7, []int64{0, 0, 0, 0}, []int64{1000, 0, 3, 3}, `{"a":1}`), event("say", `"hi"`))
	cut := []frameStep{first}
	for n := 1; n < len(whole); n++ {
		cut = append(cut, frameStep{frame: next(2, whole[:n])})
	}
	ops := []frameStep{first}
	for _, op := range [][]byte{
		ball(3, 3, 0, 0), move(1, 200, 200), event("say", `"hi"`), remove(300),
		update(classBall, 31+200, 7, nil, []int64{1000, 0, 3, 3}, `{"a":1}`),
	} {
		for n := 1; n < len(op); n++ {
			ops = append(ops, frameStep{frame: next(2, delta(0, mv, op[:n]))})
		}
	}
	cut, ops = append(cut, last), append(ops, last)
	bad := func(name string, blocks ...[]byte) frameCase {
		return frameCase{"error: " + name, []frameStep{first, {frame: next(2, blocks...)}, last}}
	}
	return []frameCase{
		{"error: a frame that is cut off", cut},
		{"error: an op that is cut off", ops},
		{"error: nothing", []frameStep{first, {frame: []byte{}}, {frame: []byte{0}}, {frame: []byte{1}}, {frame: []byte{2, 2}}, last}},
		{"error: a flag for later", []frameStep{first, {frame: []byte{16, 2}}, last}},
		bad("add to a taken slot", delta(0, mv, ball(1, 3, 0, 0))),
		bad("add of an unknown class", delta(0, ball(3, 3, 0, 0), []byte{0xef, 17, 4, 4})),
		bad("remove of a free slot", delta(0, mv, remove(3))),
		bad("remove twice", delta(0, remove(1), remove(1))),
		bad("move of a free slot", delta(0, mv, move(1, 1, 1))),
		bad("update of a free slot", delta(0, mv, []byte{0xc5, 0})),
		bad("move of a class without pos", delta(0, mv, move(0, 1, 1))),
		bad("delta for a layer that is not there", delta(0, mv), delta(2)),
		bad("catch-up for a layer that is not there", delta(0, mv), block(2, wire.ModeCatchUp)),
		bad("field that the class has not", delta(0, mv, []byte{0xc0, 2, 0})),
		bad("op for later that is longer than its block", delta(0, mv, []byte{0xf2, 3, 0, 0})),
		bad("block that is longer than its frame", delta(0, mv), []byte{16, 3, 0, 0}),
		bad("JSON that is none", delta(0, mv, update(classWall, 0, 1, nil, nil, `{"a"`))),
		bad("game with an id", delta(0, mv, add(wire.ClassGame, 3, 3, []int64{1, 2, 0}, `{}`, ""))),
		bad("me with an id", delta(0, mv), delta(1, add(wire.ClassMe, 3, 4294967295, nil, "[]", "null", "null"))),
	}
}
