package layer

// fifo is a queue that holds memory only for what is in it.
type fifo[T any] struct {
	buf  []T // its length is 0 or a power of two
	head int
	n    int
}

func (q *fifo[T]) len() int { return q.n }

// at returns the element that has i older ones before it.
func (q *fifo[T]) at(i int) *T { return &q.buf[(q.head+i)&(len(q.buf)-1)] }

func (q *fifo[T]) push(v T) {
	if q.n == len(q.buf) {
		buf := make([]T, max(2, 2*q.n))
		for i := range q.n {
			buf[i] = *q.at(i)
		}
		q.buf, q.head = buf, 0
	}
	q.n++
	*q.at(q.n - 1) = v
}

// pop takes the oldest element out.
func (q *fifo[T]) pop() T {
	var zero T
	e := q.at(0)
	v := *e
	*e = zero
	q.head = (q.head + 1) & (len(q.buf) - 1)
	if q.n--; q.n == 0 {
		*q = fifo[T]{}
	}
	return v
}
