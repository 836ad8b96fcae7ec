"""The demo: two organizations with numbers of their own, for `chatnation up` and for tests of the whole."""
