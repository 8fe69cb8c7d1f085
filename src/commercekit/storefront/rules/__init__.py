"""Pure decisions of search: what words a text has, and what a shopper meant."""
