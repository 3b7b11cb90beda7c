package httpmp_test

import (
	"context"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp"
)

// TestJoinRate counts joins by the address of who joins. Trust: row 24.
func TestJoinRate(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:ff::/48"), netip.MustParsePrefix("127.0.0.0/8")}
	for _, tt := range []struct {
		name    string
		from    string
		forward []string // X-Forwarded-For
		proxies []netip.Prefix
		counts  string // the address that counts; "" is none
	}{
		{"public", "203.0.113.7:1", nil, nil, "203.0.113.7"},
		{"public, IPv6", "[2001:db8::1]:1", nil, nil, "2001:db8::1"},
		{"IPv4 in IPv6", "[::ffff:203.0.113.7]:1", nil, nil, "203.0.113.7"},
		{"loopback", "127.0.0.1:1", nil, nil, ""},
		{"loopback, IPv6", "[::1]:1", nil, nil, ""},
		{"private", "192.168.1.9:1", nil, nil, ""},
		{"private, IPv6", "[fd00::1]:1", nil, nil, ""},
		{"link-local", "[fe80::1%eth0]:1", nil, nil, ""},
		{"no address", "@", nil, nil, ""},
		{"a header that is not believed", "203.0.113.7:1", []string{"198.51.100.1"}, proxies, "203.0.113.7"},
		{"a header from a private address that is no proxy", "192.168.1.9:1", []string{"198.51.100.1"}, proxies, ""},
		{"a proxy", "10.1.2.3:1", []string{"198.51.100.1"}, proxies, "198.51.100.1"},
		{"a proxy, IPv6", "[2001:db8:ff::9]:1", []string{"198.51.100.1"}, proxies, "198.51.100.1"},
		{"a proxy on this machine", "127.0.0.1:1", []string{"198.51.100.1"}, proxies, "198.51.100.1"},
		{"made up before the proxy's", "10.1.2.3:1", []string{"6.6.6.6, 198.51.100.1"}, proxies, "198.51.100.1"},
		{"made up as a proxy's", "10.1.2.3:1", []string{"6.6.6.6, 10.0.0.1, 198.51.100.1"}, proxies, "198.51.100.1"},
		{"two proxies", "10.1.2.3:1", []string{"6.6.6.6, 198.51.100.1, 10.9.9.9"}, proxies, "198.51.100.1"},
		{"two headers", "10.1.2.3:1", []string{"6.6.6.6", "198.51.100.1"}, proxies, "198.51.100.1"},
		{"a proxy that says nothing", "10.1.2.3:1", nil, proxies, "10.1.2.3"},
		{"a proxy that says nonsense", "10.1.2.3:1", []string{"198.51.100.1, unknown"}, proxies, "10.1.2.3"},
		{"private behind a proxy", "10.1.2.3:1", []string{"192.168.1.9"}, proxies, "192.168.1.9"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				seen := ""
				d := newDesk(t, httpmp.Config{
					JoinRate: 0.5, TrustedProxies: tt.proxies,
					Admit: func(_ context.Context, r httpmp.JoinRequest) (string, error) { seen = r.Addr; return r.Name, nil },
				})
				join := func() *httptest.ResponseRecorder {
					c := call{method: "POST", target: "join", body: strings.NewReader(`{"protos":[2]}`), from: tt.from}
					for _, f := range tt.forward {
						c.header = append(c.header, "X-Forwarded-For", f)
					}
					return d.send(c)
				}
				for range 5 { // a burst of ten seconds' worth
					require.Equal(t, 200, join().Code)
				}
				if tt.counts == "" {
					for range 20 {
						require.Equal(t, 200, join().Code)
					}
					return
				}
				require.Equal(t, tt.counts, seen)
				before := d.state()
				e := refused(t, join())
				require.Equal(t, "rate", e.Code)
				require.Contains(t, e.Msg, tt.counts)
				require.Equal(t, before, d.state())
				time.Sleep(2 * time.Second)
				require.Equal(t, 200, join().Code, "one in 2 s")
				require.Equal(t, "rate", refused(t, join()).Code)
			})
		})
	}
}

// TestJoinRateApart: addresses do not take from each other, but those of one IPv6 network of 64 bits do.
func TestJoinRateApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, httpmp.Config{JoinRate: 0.1})
		code := func(from string) int {
			return d.send(call{method: "POST", target: "join", body: strings.NewReader(`{"protos":[2]}`), from: from}).Code
		}
		require.Equal(t, 200, code("203.0.113.7:1"))
		require.Equal(t, 429, code("203.0.113.7:2"), "the port does not count")
		require.Equal(t, 200, code("203.0.113.8:1"))
		require.Equal(t, 200, code("[2001:db8::1]:1"))
		require.Equal(t, 429, code("[2001:db8::2]:1"))
		require.Equal(t, 200, code("[2001:db8:0:1::2]:1"))
	})
}

// TestRepeatedNonceIsNotCounted: a retried join costs nothing.
func TestRepeatedNonceIsNotCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, httpmp.Config{JoinRate: 0.1})
		for range 10 {
			require.Equal(t, 200, d.send(call{method: "POST", target: "join", body: strings.NewReader(nonce), from: "203.0.113.7:1"}).Code)
		}
	})
}
