"""Is a result right, and was it timed fairly?"""
