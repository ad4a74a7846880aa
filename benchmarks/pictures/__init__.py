"""Records → pictures: declarative specifications (Vega-Lite), the same ones for documents and for the page.

Needs the extra `report`; `benchmarks.pictures.gallery` says which pictures there are.
"""
