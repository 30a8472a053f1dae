"""Shared by every List RPC: `filter` compiles filter text to SQL, `paging` pages by key."""
