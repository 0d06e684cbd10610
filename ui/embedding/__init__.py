"""Standing in another site's page: the frames it may place, and the tokens its server signs."""
