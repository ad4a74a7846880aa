"""Records -> figures: ratios, cost model, decision map, which run is shown."""
