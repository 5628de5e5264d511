"""The pure vocabulary of a question: windows, filters, orders, pages. No I/O, no faces."""
