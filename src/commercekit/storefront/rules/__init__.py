"""Pure decisions: what rows show of a product, what words a text has, and what a shopper meant."""
