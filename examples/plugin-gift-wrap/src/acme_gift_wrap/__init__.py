"""Gift wrapping: shoppers choose a paper, staff see what is to be wrapped, and stock of paper is kept."""
