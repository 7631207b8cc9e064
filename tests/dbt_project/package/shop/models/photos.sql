-- Named as a model of polarlens: both go on, each in its schema.
select 'ours' as whose
