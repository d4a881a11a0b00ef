"""Taking archives in: `acts` begins and answers, `running` does the work as a job, `rows` and `writing` are its two halves."""
