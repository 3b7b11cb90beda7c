package proxy_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/httpmp/httpmp/browsertest/proxy"
)

func TestWhole(t *testing.T) {
	gone := make(chan struct{}, 1)
	var host string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host = r.Host
		rc := http.NewResponseController(w)
		switch r.URL.Path {
		case "/pieces":
			w.Header().Set("X-Answer", "yes")
			w.WriteHeader(http.StatusTeapot)
			for _, s := range []string{"one ", "two ", "three"} {
				_, _ = io.WriteString(w, s)
				_ = rc.Flush()
			}
		case "/endless":
			_ = rc.Flush()
			<-r.Context().Done()
			gone <- struct{}{}
		case "/large":
			_, _ = io.WriteString(w, strings.Repeat("x", 101))
		case "/echo":
			_, _ = io.Copy(w, r.Body)
		}
	}))
	defer server.Close()
	target, err := url.Parse(server.URL)
	require.NoError(t, err)
	front := httptest.NewServer(proxy.Whole(target, 100))
	defer front.Close()

	res, err := http.Get(front.URL + "/pieces")
	require.NoError(t, err)
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, "one two three", string(body))
	require.Equal(t, http.StatusTeapot, res.StatusCode)
	require.Equal(t, "yes", res.Header.Get("X-Answer"))
	require.EqualValues(t, 13, res.ContentLength, "the stream has become a whole")
	require.Equal(t, strings.TrimPrefix(front.URL, "http://"), host)

	res, err = http.Post(front.URL+"/echo", "text/plain", strings.NewReader("ping"))
	require.NoError(t, err)
	body, err = io.ReadAll(res.Body)
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, "ping", string(body))

	res, err = http.Get(front.URL + "/large")
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, http.StatusBadGateway, res.StatusCode)

	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, front.URL+"/endless", http.NoBody)
	require.NoError(t, err)
	_, err = http.DefaultClient.Do(req) //nolint:bodyclose // there is no response
	require.ErrorIs(t, err, context.DeadlineExceeded, "not even the header of an endless stream arrives")
	select {
	case <-gone:
	case <-time.After(5 * time.Second):
		t.Fatal("the server was not told that its client has gone")
	}
}
