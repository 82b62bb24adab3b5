"""What people are called: given and family names that go together, mixed as they are in a British university."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name, and what the person asks to be called."""

    given: str
    family: str
    preferred: str = ""
    pronouns: str = ""
    welsh: bool = False


@dataclass(frozen=True, slots=True)
class Origin:
    """Names that go together, and how common they are (per thousand)."""

    share: int
    she: tuple[str, ...]
    he: tuple[str, ...]
    family: tuple[str, ...]
    welsh: bool = False


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ORIGINS = (
    Origin(
        400,
        _words(
            "Abigail Alice Amber Amy Beatrice Bethany Caitlin Charlotte Chloe Daisy Eleanor Elizabeth Emily Emma Erin Esme "
            "Eve Florence Georgia Grace Hannah Harriet Holly Imogen Isla Jasmine Jessica Katherine Laura Lily Lucy Lydia "
            "Maisie Martha Matilda Megan Molly Naomi Niamh Olivia Orla Phoebe Poppy Rebecca Rosie Ruby Sarah Sophie Zoe"
        ),
        _words(
            "Aaron Adam Alexander Alfie Andrew Archie Benjamin Callum Cameron Charlie Connor Daniel David Dominic Edward "
            "Elliot Ethan Finlay Freddie Gabriel George Harry Harvey Isaac Jack Jacob James Joseph Joshua Kieran Leo Lewis "
            "Liam Luke Matthew Max Nathan Oliver Oscar Patrick Reuben Robert Ryan Samuel Sean Thomas Toby William Zachary"
        ),
        _words(
            "Adams Aldridge Archer Ashworth Atkinson Baker Barlow Barnes Bell Bennett Blackwood Booth Bradshaw Brennan "
            "Bright Brooks Burgess Byrne Carter Chambers Clarke Coleman Cooper Crawford Cunningham Dawson Dixon Donnelly "
            "Doyle Ellis Farrell Fletcher Forster Foster Fraser Gallagher Gibson Graham Grant Hargreaves Harper Hartley "
            "Hayward Henderson Holloway Howarth Hughes Hunter Ingram Jackson Kearney Kennedy Kerr Lawson Lowe Mackenzie "
            "Marsh Marshall McAllister McCarthy Mitchell Moffat Murray Nolan Norris O'Brien O'Connor O'Neill Palmer Parker "
            "Pearson Pickering Porter Quinn Ramsay Reid Robertson Rowe Rutherford Saunders Shaw Sinclair Skelton Stewart "
            "Sutherland Sutton Tate Thornton Tyler Underwood Wainwright Walker Ward Watkinson Whitaker Winter Wright"
        ),
    ),
    Origin(
        120,
        _words(
            "Angharad Anwen Carys Catrin Ceri Cerys Efa Eleri Elin Ffion Gwen Gwenllian Heledd Lleucu Lowri Mali Manon "
            "Mared Megan Nia Non Rhian Seren Siân Tegan"
        ),
        _words(
            "Aled Alun Dafydd Dylan Emrys Gareth Geraint Gethin Gruffydd Gwilym Huw Iestyn Ieuan Ifan Iwan Llŷr Llywelyn "
            "Macsen Osian Owain Rhodri Rhys Steffan Tomos Trystan"
        ),
        _words(
            "Bevan Bowen Davies Ellis Evans Gruffydd Gwynne Howell Hughes James Jenkins John Jones Lewis Llewellyn Lloyd "
            "Madoc Meredith Morgan Morris Owen Parry Penry Phillips Powell Price Prosser Pugh Rees Rhydderch Roberts "
            "Thomas Vaughan Watkins Williams Wynne"
        ),
        welsh=True,
    ),
    Origin(
        140,
        _words(
            "Aaliyah Aisha Amina Ananya Anjali Fatima Gurpreet Hafsa Harpreet Iqra Isha Kavya Khadija Mariam Meera Nadia "
            "Nikita Pooja Priya Rabia Ruksana Saanvi Sana Shreya Simran Sumaiya Zainab Zara"
        ),
        _words(
            "Aarav Abdullah Adeel Ahmed Amir Arjun Bilal Faisal Farhan Hamza Haroon Ibrahim Imran Jaspreet Karan Kiran "
            "Manpreet Mohammed Nikhil Omar Rahul Rohan Sanjay Tariq Usman Vikram Yusuf Zayn"
        ),
        _words(
            "Ahmed Akhtar Ali Begum Bhatt Chaudhry Choudhury Desai Gill Gupta Hussain Iqbal Joshi Kapoor Kaur Khan Malik "
            "Mahmood Mehta Miah Mistry Nair Patel Qureshi Rahman Rao Reddy Sandhu Shah Sharma Siddiqui Singh Uddin"
        ),
    ),
    Origin(
        110,
        _words(
            "Abena Adaeze Adwoa Afia Akosua Amara Ayomide Chiamaka Chidinma Ebele Efua Eniola Esi Folake Ifeoma Makena "
            "Ngozi Nia Oluwaseun Temitope Thandiwe Wanjiru Yaa Yewande Zola"
        ),
        _words(
            "Ade Babatunde Chidi Chukwuemeka Ebuka Emeka Femi Ikenna Jabari Kelechi Kofi Kwabena Kwame Kwesi Obinna "
            "Olumide Oluwadamilare Segun Sipho Tapiwa Tendai Tunde Uche Yaw"
        ),
        _words(
            "Abiola Achebe Adebayo Adeyemi Afolabi Agyeman Amoah Ansah Appiah Asante Balogun Boateng Chikwanha Danjuma "
            "Eze Ibekwe Kamau Mensah Moyo Mutasa Mwangi Ncube Nwosu Obi Ogunleye Okafor Okeke Okonkwo Okoro Oladipo "
            "Osei Owusu Sithole Tetteh Wanjala"
        ),
    ),
    Origin(
        90,
        _words(
            "Chunhua Fang Haoran Jiayi Jingyi Li Lihua Meilin Mengyao Qian Ruoxi Shuting Siyu Wenjing Xinyi Yating Yifan "
            "Yuxuan Zhiyi Ziyan"
        ),
        _words(
            "Bowen Chenxi Guanyu Haotian Jiahao Jianyu Junjie Kai Mingze Peng Ruichen Shuo Tianyu Wei Xiang Yichen Yifei "
            "Zhihao Zihan Zixuan"
        ),
        _words(
            "Cao Chen Deng Fang Feng Gao Guo He Huang Jiang Li Liang Lin Liu Luo Ma Pan Qin Shen Song Sun Tang Wang Wu "
            "Xie Xu Yang Yuan Zhang Zhao Zheng Zhou Zhu"
        ),
    ),
    Origin(
        55,
        _words(
            "Agnieszka Aleksandra Alina Andreea Daria Elena Eva Gabriela Ilinca Ioana Joanna Katarzyna Kristina Lucia "
            "Magdalena Milena Monika Natalia Oksana Viktoriia Weronika Zuzanna"
        ),
        _words(
            "Adrian Aleksander Andrei Bartosz Bogdan Dmytro Filip Ivan Jakub Kacper Krzysztof Luka Marek Matei Mihai "
            "Nikola Oleksandr Pavel Piotr Radu Stefan Tomasz"
        ),
        _words(
            "Balan Dimitrov Dobrescu Dudek Georgiev Horvat Ivanov Jankowski Kovalenko Kowalczyk Krawczyk Kucera Lis "
            "Marinov Mazur Moldovan Nowak Petrov Popescu Rusu Shevchenko Stoica Szymański Tkachenko Wiśniewski Wójcik"
        ),
    ),
    Origin(
        50,
        _words("Aya Dalal Dina Farah Hana Huda Layla Leyla Lina Maryam Nour Rana Reem Salma Shirin Yasmin Zahra Zeynep"),
        _words(
            "Abdulrahman Ali Arash Bashir Emre Faisal Hadi Hassan Karim Khalid Mehmet Mustafa Nabil Omid Rami Reza Sami "
            "Tarek Yousef Ziad"
        ),
        _words(
            "Abbas Al-Hashimi Al-Masri Aydın Barzani Çelik Darwish El-Sayed Farahani Haddad Hosseini Ibrahim Karimi Khoury "
            "Mansour Nasser Özdemir Rahimi Saleh Şahin Yılmaz Zaki"
        ),
    ),
    Origin(
        35,
        _words(
            "Anh Bea Camila Chiara Eleni Giulia Hanako Inês Isabela Linh Lucía Maite Mariana Mei Minh Nanami Nguyệt Sofia "
            "Thảo Valentina Yuki"
        ),
        _words(
            "Afonso Andreas Costas Diego Duc Haruto Hiroshi Javier João Joaquín Kenji Lorenzo Marco Mateo Minho Nikos "
            "Pedro Quang Santiago Takumi Thiago"
        ),
        _words(
            "Álvarez Bianchi Christodoulou Costa Duarte Fernandes Ferrari García Georgiou Gutiérrez Hoàng Ito Kim "
            "Kobayashi Lê Marques Morales Nakamura Nguyễn Oliveira Papadopoulos Park Phạm Ribeiro Rossi Santos Tanaka Trần"
        ),
    ),
)

SHORT = {
    "Abigail": "Abi",
    "Alexander": "Alex",
    "Aleksander": "Alex",
    "Aleksandra": "Ola",
    "Andrew": "Andy",
    "Benjamin": "Ben",
    "Babatunde": "Tunde",
    "Cameron": "Cam",
    "Catrin": "Cat",
    "Charlotte": "Charlie",
    "Chiamaka": "Amaka",
    "Dafydd": "Daf",
    "Chukwuemeka": "Emeka",
    "Daniel": "Dan",
    "Eleanor": "Ellie",
    "Elizabeth": "Beth",
    "Gabriel": "Gabe",
    "Gwenllian": "Gwen",
    "Isabela": "Bela",
    "Jessica": "Jess",
    "Joseph": "Joe",
    "Joshua": "Josh",
    "Katarzyna": "Kasia",
    "Katherine": "Kate",
    "Krzysztof": "Chris",
    "Llywelyn": "Llew",
    "Magdalena": "Magda",
    "Matilda": "Tilly",
    "Matthew": "Matt",
    "Mohammed": "Mo",
    "Nathan": "Nate",
    "Oluwadamilare": "Dare",
    "Oluwaseun": "Seun",
    "Rebecca": "Becky",
    "Robert": "Rob",
    "Samuel": "Sam",
    "Temitope": "Temi",
    "Thomas": "Tom",
    "Valentina": "Vale",
    "William": "Will",
    "Zachary": "Zac",
    "Zuzanna": "Zuza",
    "Jiahao": "Kevin",
    "Mengyao": "Amy",
    "Yuxuan": "Cindy",
    "Zihan": "Leo",
    "Haotian": "Howard",
    "Xinyi": "Cici",
}
"""What some of them go by."""

LONG = (
    Name("Maximiliana Gwenllian Oluwaseun", "Featherstonehaugh-Rhydderch", "Maxi", "she/her"),
    Name("Bartholomew Alexander Ignatius", "Winterbourne-Abernathy", "", "he/him"),
    Name("Nkechinyere Chidimma Oluwatobiloba", "Adebayo-Okonkwo", "Nkechi", "she/her"),
    Name("María de los Ángeles", "Fernández de la Cruz y Villanueva", "Marián"),
    Name("Venkata Satyanarayana", "Balasubramanian Ramachandran", "Venkat", "he/him"),
    Name("Llywelyn ap Gruffydd", "Llewellyn-Prendergast", "Llew", "they/them", welsh=True),
    Name("Io", "Ng", "", "they/them"),
)
"""Long, short and unusual: pages must hold them all."""


def make_name(random: Random) -> Name:
    """One person's name. About one in ten goes by another given name, one in four says which pronouns to use."""
    origin = random.choices(ORIGINS, [origin.share for origin in ORIGINS])[0]
    she = random.random() < 0.52
    given = random.choice(origin.she if she else origin.he)
    family = random.choice(origin.family)
    if random.random() < 0.03:
        family = f"{family}-{random.choice(ORIGINS[0].family)}"
    preferred = SHORT.get(given, "") if random.random() < 0.5 else ""
    pronouns = ""
    if random.random() < 0.25:
        pronouns = "they/them" if random.random() < 0.06 else "she/her" if she else "he/him"
    return Name(given, family, preferred, pronouns, origin.welsh)
