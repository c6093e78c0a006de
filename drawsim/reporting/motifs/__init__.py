"""The page of motifs: groups of drawings, who draws them, and what they may go back to."""
