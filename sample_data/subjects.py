"""What the language model is asked to write about: subjects and requests per genre, all our own words."""

ENCYCLOPAEDIC = """
anarchism|autism|the albedo of planetary surfaces|Abraham Lincoln|Aristotle|the Academy Awards|Algeria
anthropology|alchemy|the ASCII character code|Austin, Texas|film animation|the Apollo programme|Andre Agassi
Azerbaijan|amateur astronomy|Animal Farm|amphibians|Alaska|agriculture|Aldous Huxley|Ada Lovelace
the Amazon River|Alberta|Asteroids|Argentina|Armenia|abortion law|the American Civil War|Apollo in Greek myth
atomic theory|altruism|analysis of variance|the appellate court|apes|the aardvark|almonds|Alfred Hitchcock
Anatolia|apricots|Augustus|Antarctica|the alphabet|atoms|the arithmetic mean|Arabic grammar|acoustics|the abacus
acids|asphalt|the artist Albrecht Durer|the American National Standards Institute|the Aegean Sea
the assassination of leaders|asexual reproduction|Alan Turing|astronomers of the nineteenth century|the Andes
amino acids|the alligator|the accordion|aircraft carriers|archaeology|Athens|Angola|Albania|the Arctic Ocean
alloys|Amsterdam|the Aztec empire|anaesthesia|the Atlantic slave trade|antibiotics|arctic foxes|the harpsichord
tidal power|the Hanseatic League|lighthouses|the history of paper|volcanic islands|the silk trade
medieval guilds|railway gauges|the potato|polar exploration|the violin|glaciers|coral reefs|the printing press
cathedrals of France|limestone caves
"""

NEWS = """
a bushfire that threatens hill towns|a central bank that cuts its rate|a cricket test that ends in a draw
talks between a government and an airline's unions|the collapse of an insurance company
a ferry accident off the coast|a tennis final won in five sets|a flood that closes highways
a search for missing sailors|a strike by teachers|a peace agreement signed after long talks
a bomb blast near a market|a parliamentary inquiry into police conduct|a rise in unemployment
a court ruling on native land|a doctors' warning on vaccination|a mine closure in a small town
a cyclone that crosses the coast|asylum seekers held on an island|a budget with tax cuts
a football coach who resigns|a drought that worries farmers|a trial of two company directors|a royal visit
an earthquake in a mountain province|an election that leaves no majority|a dispute about water rights
a protest outside a trade summit|a hospital short of nurses|a rescue of hikers in the snow
a new rail line approved|a merger of two banks|a swimming record|a shark attack|a plan for a nuclear waste store
a fall in share prices|a ban on fishing|a border closed by soldiers|a pilots' pay dispute|a prison escape
a museum robbery|a university's new research centre|a military exercise|a fuel price inquiry
a comet seen by astronomers|a resignation in the cabinet|a power failure in the capital
a refugee camp short of food|an oil spill near a reserve|a cycling race|a wool sale|a disease among cattle
a space launch delayed|a city council vote
"""

TECHNICAL = """
reading configuration files in a program|how a garbage collector finds unused objects|context managers
decimal arithmetic|regular expressions|sockets that do not block|a thread pool|locks and deadlocks
parsing command line arguments|generators and iterators|exception handling|the import system of a language
operator precedence|string formatting|slices and sequences|class attributes and instance attributes|descriptors
hashing of mutable objects|weak references|logging levels and handlers|unit tests with mock objects
HTTP redirects|cookies in a web client|mail message headers|compressing files|temporary files and folders
file descriptors|signals sent to child programs|time zones and clock changes|comparing sequences line by line
turtle graphics|debugging with breakpoints|profiling slow code|abstract base classes|metaclasses
coroutines and event loops|the module search path|byte order in binary records|text encodings
random number generators|priority queues|binary search in sorted lists|copying nested objects|enumerations
data classes|type annotations|XML element trees|a simple database interface|TLS certificates
IP network addresses|calendar arithmetic|building extension modules|virtual environments|package metadata
interactive interpreters|scope and name binding|keyword arguments|lambda expressions|augmented assignment
truth value testing|rounding of floating point numbers
"""

REQUESTS = {
    "encyclopaedic": [
        "Write three paragraphs of an encyclopaedia article on {subject}.",
        "Write the history section of an encyclopaedia article about {subject}, in plain paragraphs.",
        "Describe {subject} for a general encyclopaedia: origins, main features and later importance.",
        "Continue an encyclopaedia entry about {subject} with two detailed paragraphs on one lesser known side of it.",
    ],
    "news": [
        "Write a news agency report about {subject}. Quote two people.",
        "Write the text of a radio news story on {subject}, about 200 words.",
        "Write a newspaper article about {subject}, with places and figures.",
        "Report on {subject} and on what officials say will happen next, in plain paragraphs.",
    ],
    "technical": [
        "Write a page of a programming language's reference manual about {subject}, in plain paragraphs without code.",
        "Explain {subject} as the documentation of a standard library would, in prose without code or lists.",
        "Write the module description that introduces {subject} to programmers, without code examples.",
        "Describe the behaviour and the pitfalls of {subject} for a developer's guide, in plain paragraphs.",
    ],
}

SUBJECTS = {
    genre: [subject for subject in text.replace("\n", "|").split("|") if subject]
    for genre, text in {"encyclopaedic": ENCYCLOPAEDIC, "news": NEWS, "technical": TECHNICAL}.items()
}
