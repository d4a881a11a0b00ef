from kicau.cli import main

main()
