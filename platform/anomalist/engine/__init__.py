"""The use-cases: where detectors, ensembles and the database meet.

Each package imports only those below it:

    api                     what `import anomalist` offers
    retraining | tuning     a better next version of a model; better parameters of detectors
    review | monitoring     which rows to ask an analyst about; whether new rows are still what was fitted on
    feedback                what analysts say of rows
    runs                    fit or score rows, store what was found, read it again
    fitting                 from a request and a table to a fitted panel
    opening | workspace     the plugins and the store as the settings want them
    models                  files and versions of models, and their parts by name
    evaluation | execution  measures against known labels; many items side by side
    progress                what a long use-case tells whoever waits for it; as low as these
"""
