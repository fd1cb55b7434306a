.PHONY: demo test lint bench docs lock
demo test lint bench docs lock:
	@./run $@
