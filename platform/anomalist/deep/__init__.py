"""The training kit for torch detectors: one loop, batched members, scaling, scoring in blocks; plugins use it too.

What a detector is made of, in the order of its `fit`:

1. `rows.sample` draws the rows to train on and says where some are left out; `rows.Scaler` brings them to one scale.
2. The network is a `torch.nn.Module` whose parameters have shape (members, ...); `layers.MLP` is one. Its loss takes a
   batch of shape (members, rows, columns) and a generator, and gives shape (members, rows), see `schedule.Loss`.
3. `train.train` minimises the losses of its `Turn`s as a `Schedule` says, which takes its fields from the detector's
   parameters of the same names: `Schedule.of(self)`, called in `__post_init__` too, refuses wrong ones.
4. `rows.Fitted` holds the network in float64 and the scale: `over` scores rows in blocks, `state` and `from_state` save
   and load both as arrays. `rows.saved_widths` reads the sizes of a saved `MLP`, to make the network to load into.
5. `recipe.Recipe` does 1 to 3 from a description of the network, and gives the detector `fit`, `update` (going on with
   new rows) and `transfer` (to other columns) in a line each.

All of it draws from local generators, and the loop and `over` watch the deadline of the run. A whole detector that is
written with it, and explained, is in docs/authors.md.
"""
