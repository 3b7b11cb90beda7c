package httpmp

import (
	"net/netip"
	"time"

	"golang.org/x/time/rate"
)

// newLimiter lets perSecond through, in bursts of as many as come in so many seconds.
func newLimiter(perSecond float64, seconds float64) *rate.Limiter {
	return rate.NewLimiter(rate.Limit(perSecond), max(1, int(perSecond*seconds)))
}

// maxAddrs bounds the addresses that are remembered; beyond, the ones that are idle are forgotten.
const maxAddrs = 4096

// addrLimiter limits joins by address. It is not concurrent-safe.
type addrLimiter struct {
	perSecond float64
	byAddr    map[netip.Addr]*rate.Limiter
}

// allow takes one from what addr may do now. IPv6 addresses count by their /64.
func (l *addrLimiter) allow(addr netip.Addr, now time.Time) bool {
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		p, _ := addr.Prefix(64) // an IPv6 address has one
		addr = p.Addr()
	}
	if l.byAddr == nil {
		l.byAddr = make(map[netip.Addr]*rate.Limiter)
	}
	lim := l.byAddr[addr]
	if lim == nil {
		if len(l.byAddr) >= maxAddrs {
			l.sweep(now)
		}
		lim = newLimiter(l.perSecond, 10)
		l.byAddr[addr] = lim
	}
	return lim.AllowN(now, 1)
}

// sweep forgets the addresses that have all their tokens back, or everything where none has.
func (l *addrLimiter) sweep(now time.Time) {
	for addr, lim := range l.byAddr {
		if lim.TokensAt(now) >= float64(lim.Burst()) {
			delete(l.byAddr, addr)
		}
	}
	if len(l.byAddr) >= maxAddrs {
		clear(l.byAddr)
	}
}
