"""Words: stems, BM25, and which words inform."""
