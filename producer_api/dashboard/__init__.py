"""The dashboard: a page at `/`, with modules and styles of its own. Its data are the API's, as any client's.

Everything lies in `static`, read once at start. The page itself is asked for anew each time; all it refers to has the
content's own digest in its address, so it is kept for ever and never mixed with that of another version.
"""
