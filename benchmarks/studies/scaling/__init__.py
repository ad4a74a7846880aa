"""Studies of many ranks: what a step would take on more ranks than anybody has measured."""
