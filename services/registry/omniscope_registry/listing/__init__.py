"""What every List RPC shares: `filter` compiles filter text to SQL, `paging` pages by key."""
