// Package proxy holds proxies that are as bad as those between players and games: one that delivers only whole responses,
// and one that cuts, refuses and delays connections.
package proxy

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
)

// Whole returns a handler that passes requests on to target and delivers each response only when it has ended, as buffering
// proxies and virus scanners do: an endless stream never arrives, not even its header. A response over limit bytes is 502.
func Whole(target *url.URL, limit int64) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.SetXForwarded()
			r.Out.Host = r.In.Host // the page's origin stays the one that the server sees
		},
		ModifyResponse: func(res *http.Response) error {
			body, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
			if err != nil {
				return err
			}
			if int64(len(body)) > limit {
				return fmt.Errorf("proxy: the response is over %d bytes", limit)
			}
			if err := res.Body.Close(); err != nil {
				return err
			}
			res.Body = io.NopCloser(bytes.NewReader(body))
			if res.Request.Method != http.MethodHead {
				res.ContentLength = int64(len(body))
				res.TransferEncoding = nil
				res.Header.Set("Content-Length", strconv.Itoa(len(body)))
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
}
