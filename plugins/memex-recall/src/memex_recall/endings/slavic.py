"""Endings of Russian, Ukrainian, Polish and Czech, as an index has them."""

from __future__ import annotations

from typing import Final

_RUSSIAN: Final = """
ча чи чу че чей ч чам чами чах
ша ши шу ше шей ш шам шами шах
жа жи жу же жей ж жам жами жах
ща щи щу ще щей щ щам щами щах
га ги гу ге гой г гам гами гах
ха хи ху хе хой х хам хами хах
- а у ом е ы ов ам ами ах и
а ы у е ой - ам ами ах и
а и у е ей - ам ами ах
- и а у ом е ем ей ам ами ах
- и а у ом е ов ам ами ах
о а у ом е - ам ами ах
я и ю е ей ь ям ями ях
ь я ю ем е и ей ям ями ях
ь и ью ей ям ями ях
й я ю ем е и ев ям ями ях
е я ю ем и ей ям ями ях
ия ии ию ией ий иям иями иях
ие ия ию ием ии ий иям иями иях
ка ки ку ке кой ок кам ками ках ек
ец ца цу цом це цы цев цам цами цах
ок ка ку ком ке ки ков кам ками ках
ость ости остью остей остям остями остях
ый ая ое ые ого ому ым ом ой ую ых ыми - а о ы ее
ой ая ое ые ого ому ым ом ую ых ыми
кий кая кое кие кого кому ким ком кой кую ких кими ок ка ко ки
ий ая ое ие ого ому им ом ой ую их ими
ий яя ее ие его ему им ем ей юю их ими
ий ая ее ие его ему им ем ей ую их ими
ный ная ное ные ного ному ным ном ной ную ных ными ен на но ны
ать аю ает аешь аем аете ают ал ала ало али ай айте ан ана ано аны анный анная анные анного
ять яю яет яешь яем яете яют ял яла яло яли яй яйте ян яна яны
ить ил или ит ено ена ила ен ены ят ю им ило ите ишь и ь енный енная енное енные
ить ил или ит ено ена ила ен ены ат у им ило ите ишь и ь енный енная енное енные
дить дил дили дит жено жена дила жен жены дят жу дим
сить сил сили сит шено шена сила шен шены сят шу сим
тить чу тит тишь тим тят тил тила тили чен чена чено чены щу щен щена щены
вить влю вит вишь вим вят вил вила вили влен влена влено влены
бить блю бит бят бил била били блен блена блены
пить плю пит пишь пим пят пил пила пили плен плена плены
мить млю мит мят мил мила мили млен млена млены
еть ею еет еешь еем еют ел ела ело ели
еть ю ит ишь им ят ел ела ело ели
овать ую уешь ует уем уют овал овала овало овали ован ована ованы уй уйте
нуть ну нешь нет нем нут нул нула нуло нули нь ни
ать у ет ешь ем ут ал ала али
ти у ет ут - ла ло ли
ыть ою оет оют ыл ыла ыли ыт ыта ыто ыты ытый ытая ытые ыто ытого
аться аюсь ается аются ался алась алось ались аемся
яться яюсь яется яются ялся ялась ялось ялись
иться юсь ится ятся ился илась илось ились усь атся имся
"""

_UKRAINIAN: Final = """
га ги гу зі гою г гам гами гах
ха хи ху сі хою
- а у ом ові і и ів ам ами ах ою
а и у ою і - ам ами ах
о а у ом і - ам ами ах
я і ю ею ь ям ями ях єю ї
ь я ю ем і ів ям ями ях еві
ь і ю ей ям ями ях
й я ю єм ї їв ям ями ях єві
ія ії ію ією ій іям іями іях
ня ню нем ні нь ням нями нях
ття ттю ттям тті ть
ка ки ку кою ці ок кам ками ках
ець ця цю цем ці ців цям цями цях
ок ка ку ком ки ків кам ками ках
ість ості істю остей остям
ий а е і ого ому им ою ої у их ими
ій я є і ього ьому ім ьої ю іх іми
ати аю ає аєш аємо аєте ають ав ала ало али ай ано аний ана ані
яти яю яє яєш яють яв яла яли яв
ити ю ить иш имо ять ив ила ило или ено ений ена ені и у
увати ую ує уєш уємо ують ував увала ували
іти ію іє іють ів іла іли
нути ну не неш нуть нув нула нули
атися аюся ається аються ався алася алися
итися иться яться ився илася илися
"""

_POLISH: Final = """
- a u owi em ie y i ow om ami ach e
a y e ie o - om ami ach i a
a i e o e a - om ami ach
o a u em ie - om ami ach
e a u em y i - om ami ach
ek ka kowi kiem ku ki kow kom kami kach
ka ki ce ke ka ek kom kami kach ko
ec ca cowi cem cu cy cow com cami cach
ia ie ii io iom iami iach
enie enia eniu eniem en eniom eniami eniach
anie ania aniu aniem an aniom aniami aniach
osc osci oscia oscia osciom
y a e ego emu ym ej ych ymi i
i a ie iego iemu im iej ich imi
ny na ne nego nemu nym nej nych nymi ni
ac am asz a amy acie aja al ala alo ali aly any ana ane aj
ic e isz i imy icie a il ila ilo ili ily iony iona ione ie ia
yc e ysz y ymy ycie a yl yla ylo yli yly ony ona one
owac uje ujesz ujemy ujecie uja owal owala owali owaly owany owana owane uj
iec i isz imy ieli ial iala ialo ialy a e
nac ne nie niesz na nal nela neli
"""

_CZECH: Final = """
- u a em e y ovi i u ech um
a y u e ou - am ami ach
o a u em e - um y ech
e i u em - im ich emi ich
ka ky ku ce kou ek kam kami kach
ek ku kem ky kum cich
ec ce ci cem cu cich
ost osti osti ostem
eni enim enich
ani anim anich
y a e eho emu ym em ou ych ymi i
i iho imu im ich imi
ny na ne neho nemu nym nem nou nych nymi ni
at am as a ame ate aji al ala alo ali aly an ana ano any
it im is i ime ite il ila ilo ili ily en ena eno eny i
et im is i ime ite eji el ela elo eli ely
ovat uji ujes uje ujeme ujete oval ovala ovalo ovali ovan ovana ovano ovany
nout nu nes ne neme nou nul nula nuli
"""


def rows(language: str) -> list[str]:
    """Return the rows of endings of a language."""
    return {"ru": _RUSSIAN, "uk": _UKRAINIAN, "pl": _POLISH, "cs": _CZECH}[language].strip().splitlines()
