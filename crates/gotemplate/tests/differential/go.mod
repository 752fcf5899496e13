module differential

go 1.25
