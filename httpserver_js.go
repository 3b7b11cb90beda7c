package httpmp

// HTTPServer is empty where there is no network: the core compiles without net/http.
type HTTPServer struct{}

func (*HTTPServer) init(*Engine) {}
