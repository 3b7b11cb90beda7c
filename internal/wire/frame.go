package wire

// The flags of a frame: the low 5 bits of a body's first byte. 16 is for later.
const (
	FlagKey   = 1 // forget all layers first; the number is absolute, as is Ack
	FlagAck   = 2 // Ack and Slack follow
	FlagNAbs  = 4 // the number is absolute, as is Ack
	FlagEvGap = 8 // events were lost
)

// Header is what a frame begins with: what is private to the client that it goes to.
type Header struct {
	Flags byte
	Frame uint64
	Ack   uint64 // as it is written: with FlagKey or FlagNAbs the number, else how far it went up since the last Ack of the response
	Slack int64  // ms that the tightest stamped input was early, 0 if there was none
}

// AppendHeader appends the body of a frame up to its blocks. Without FlagKey and FlagNAbs, h.Frame
// must be 1 to 255 above the frame before it.
func AppendHeader(dst []byte, h Header) []byte {
	dst = append(dst, h.Flags) // KindFrame is 0
	if h.Flags&(FlagKey|FlagNAbs) != 0 {
		dst = AppendUv(dst, h.Frame)
	} else {
		dst = append(dst, byte(h.Frame))
	}
	if h.Flags&FlagAck != 0 {
		dst = AppendSv(AppendUv(dst, h.Ack), h.Slack)
	}
	return dst
}
