"""Search results for people: pages and pictures of ranked photos."""
